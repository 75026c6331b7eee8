#include "kerf/model/block.h"

#include <utility>

namespace kerf {

void Block::forward(const Exec& exec, TensorParallel& tp, const Batch& batch, Rotation rotation, KvCache& cache,
                    float* hidden) const {
  const Arena::Frame frame(exec.scratch);
  const int64_t tokens = batch.tokens();
  const int64_t own = tp.own_tokens(tokens).size();
  const int64_t width = input_norm_.width();
  auto* normed = exec.scratch.take<float>(own * width);    // [own, hidden]
  auto* whole = exec.scratch.take<float>(tokens * width);  // [tokens, hidden], where normed is gathered
  auto* update = exec.scratch.take<float>(own * width);    // [own, hidden]

  // hidden += post_norm(update), a row as soon as its sum over the tp group is there
  const auto add = [&](int64_t row, const std::optional<RmsNorm>& post_norm) {
    float* own_update = update + row * width;
    if (post_norm) post_norm->row(exec.kernels, own_update, own_update);
    exec.kernels.add(hidden + row * width, own_update, width);
  };

  input_norm_.forward(exec, hidden, own, normed);
  attention_.forward(exec, tp, batch, rotation, cache, tp.gather(normed, tokens, width, whole), update,
                     [&](int64_t row) {
                       add(row, post_attention_norm_);
                       mlp_norm_.row(exec.kernels, hidden + row * width, normed + row * width);
                     });
  mlp_.forward(exec, tp, tp.gather(normed, tokens, width, whole), tokens, update,
               [&](int64_t row) { add(row, post_mlp_norm_); });
}

Result<Block> Block::load(Weights& weights, const ModelSpec& model, const LayerNames& names, const TensorCut& cut,
                          int rank, int64_t layer, int64_t first_layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const LayerSpec& spec = model.layers[static_cast<size_t>(layer)];
  const auto norm = [&](std::string_view name) {
    return RmsNorm::load(weights, prefix + std::string(name), model.hidden_size, model.norm_eps, model.norm_adds_one);
  };
  KERF_TRY(RmsNorm input_norm, norm(names.input_norm));
  KERF_TRY(Attention attention, Attention::load(weights, model, names, prefix, spec, cut, rank, layer - first_layer));
  KERF_TRY(RmsNorm mlp_norm, norm(names.mlp_norm));
  KERF_TRY(Mlp mlp, Mlp::load(weights, model, names, prefix, cut, rank));
  Block block(std::move(input_norm), std::move(attention), std::move(mlp_norm), std::move(mlp));
  if (model.post_norms) {
    KERF_TRY(block.post_attention_norm_, norm(names.post_attention_norm));
    KERF_TRY(block.post_mlp_norm_, norm(names.post_mlp_norm));
  }
  return block;
}

}  // namespace kerf
