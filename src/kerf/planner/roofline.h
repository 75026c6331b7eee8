// The roofline: how fast a host could run a model if every byte came at its read bandwidth and every multiplication at
// the peak of its matmul, both as kerf probe measured them, and nothing else took time. The bound of Williams, Waterman
// and Patterson (2009), applied to a whole pass: no order of operations beats the longer of the two.
#pragma once

#include <memory>

#include "kerf/planner/step_model.h"

namespace kerf {

// Bytes of weights that one pass reads: all of them, but of the embedding only the rows that it looks up. Dense layers.
[[nodiscard]] double weight_bytes_per_pass(const ModelShape& model);

// threads: of all ranks on one host; beyond its cores they count as the cores. The hosts' figures add up. Arithmetic of
// attention is left out, so the bound stays one. Its stage() is the whole pass, whatever the layers asked for: replay
// it with a plan of one rank. REQUIRES: machine.host.probed(); model and machine outlive the result.
[[nodiscard]] std::unique_ptr<const StepModel> make_roofline_model(const ModelShape& model, const MachineSpec& machine,
                                                                   int threads);

}  // namespace kerf
