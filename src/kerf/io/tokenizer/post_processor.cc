#include "kerf/io/tokenizer/post_processor.h"

#include <string>

namespace kerf {
namespace {

// Frames what is already framed.
void wrap(SequenceFrame& inner, const SequenceFrame& outer) {
  inner.before.insert(inner.before.begin(), outer.before.begin(), outer.before.end());
  inner.after.insert(inner.after.end(), outer.after.begin(), outer.after.end());
}

Result<SequenceFrame> frame_from_template(const JsonNode& node) {
  SequenceFrame frame;
  bool text_seen = false;
  KERF_TRY(const auto items, node["single"].elements());
  for (const JsonNode& item : items) {
    if (item["Sequence"].present()) {
      if (text_seen) return item.error("names the text a second time");
      text_seen = true;
      continue;
    }
    KERF_TRY(const std::string name, item["SpecialToken"]["id"].string());
    KERF_TRY(const auto ids, node["special_tokens"][name]["ids"].elements());
    for (const JsonNode& id : ids) {
      KERF_TRY(const int32_t value, id.token_id());
      (text_seen ? frame.after : frame.before).push_back(value);
    }
  }
  if (!text_seen) return node["single"].error("has no {\"Sequence\": ...}, the place of the text");
  return frame;
}

// ["[CLS]", 101]
Result<int32_t> id_of_pair(const JsonNode& node) {
  KERF_TRY(const auto pair, node.elements());
  if (pair.size() != 2) return node.error("must be [token, id]");
  return pair[1].token_id();
}

}  // namespace

Result<SequenceFrame> frame_from_json(const JsonNode& node) {
  SequenceFrame frame;
  if (!node.present()) return frame;
  KERF_TRY(const std::string type, node["type"].string());
  if (type == "ByteLevel") return frame;
  if (type == "TemplateProcessing") return frame_from_template(node);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    KERF_TRY(const int32_t first, id_of_pair(node["cls"]));
    KERF_TRY(const int32_t last, id_of_pair(node["sep"]));
    return SequenceFrame{{first}, {last}};
  }
  if (type == "Sequence") {
    KERF_TRY(const auto children, node["processors"].elements());
    for (const JsonNode& child : children) {
      KERF_TRY(const SequenceFrame outer, frame_from_json(child));
      wrap(frame, outer);
    }
    return frame;
  }
  return node.error(
      fmt::format("is a \"{}\"; kerf knows TemplateProcessing, BertProcessing, RobertaProcessing, "
                  "ByteLevel and Sequence",
                  type));
}

}  // namespace kerf
