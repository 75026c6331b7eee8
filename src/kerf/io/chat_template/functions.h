// The global functions: Jinja's range, dict, namespace, joiner, cycler, and transformers'
// raise_exception and strftime_now.
#pragma once

#include <optional>
#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

[[nodiscard]] std::optional<Value> find_function(std::string_view name);

// A bag of variables that outlives the scopes of loops: {% set ns.x = … %}.
class Namespace : public Object {
 public:
  explicit Namespace(std::shared_ptr<Dict> attributes) : attributes_(std::move(attributes)) {}

  void set(Runtime& rt, std::string_view name, Value value) {
    attributes_->set(rt.text(std::string(name)), std::move(value));
  }

  [[nodiscard]] std::string_view type_name() const override { return "Namespace"; }
  [[nodiscard]] std::string repr(Runtime& rt) const override;
  [[nodiscard]] std::optional<Value> attr(Runtime& rt, std::string_view name) override;
  void clear() override { attributes_->clear(); }

 private:
  std::shared_ptr<Dict> attributes_;
};

}  // namespace kerf::jinja
