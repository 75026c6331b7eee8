// Rotary position embedding (Su et al., arXiv:2104.09864), "rotate half", with Hugging Face's
// rope_scaling: linear, llama3, yarn (Peng et al., arXiv:2309.00071).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kerf/spec/model_spec.h"

namespace kerf {

class Rope {
 public:
  Rope(const RopeSpec& spec, int64_t head_dim);

  // The angles of each position, ready for Kernels::rope.
  //   cos, sin  // [positions, head_dim / 2] f32
  void fill(std::span<const int32_t> positions, float* cos, float* sin) const;

 private:
  std::vector<double> frequencies_;  // [head_dim / 2], radians per position
  double attention_factor_;
};

}  // namespace kerf
