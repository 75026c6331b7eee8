// The "post_processor" of a tokenizer.json: the ids that go before and after those of a text.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"

namespace kerf {

struct SequenceFrame {
  std::vector<int32_t> before, after;
};

// TemplateProcessing (its "single" form), BertProcessing, RobertaProcessing, ByteLevel (which only moves
// offsets), Sequence. An absent node adds nothing.
Result<SequenceFrame> frame_from_json(const JsonNode& post_processor);

}  // namespace kerf
