// Batch: the tokens of one forward pass, flat: pieces of any number of sequences side by side.
#pragma once

#include <cstdint>
#include <span>

namespace kerf {

struct Batch {
  std::span<const int32_t> ids;                  // [tokens] vocabulary ids
  std::span<const int32_t> positions;            // [tokens] position in its own sequence
  std::span<const int32_t* const> block_tables;  // [tokens] its sequence's block table
  std::span<const int64_t> logit_rows;           // tokens whose logits are wanted, increasing

  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

}  // namespace kerf
