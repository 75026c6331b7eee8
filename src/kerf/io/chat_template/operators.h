// + - * / // % ** and unary minus, as Python defines them. Integers have 64 bits; what does not fit
// raises.
#pragma once

#include "kerf/io/chat_template/ast.h"
#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

[[nodiscard]] Value apply(Runtime& rt, BinaryOp op, const Value& left, const Value& right);
[[nodiscard]] Value negate(const Value& value);

}  // namespace kerf::jinja
