#include "kerf/nn/attention.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kerf {

namespace {

Result<ColumnLinear> load_qkv(Weights& weights, const ModelSpec& model, const LayerNames& names,
                              const std::string& prefix, Range q_heads, Range kv_heads) {
  const int64_t dim = model.head_dim;
  const int64_t q_rows = model.num_heads * dim;
  const int64_t kv_rows = model.num_kv_heads * dim;
  const Range q = {q_heads.begin * dim, q_heads.end * dim};
  const Range kv = {kv_heads.begin * dim, kv_heads.end * dim};
  const auto output = [&](std::string_view own_name, int64_t rows, Range own, int64_t offset) {
    const bool fused = !names.qkv.empty();
    return ColumnLinear::Output{.name = prefix + std::string(fused ? names.qkv : own_name),
                                .rows = rows,
                                .own = own,
                                .offset = fused ? offset : 0,
                                .fused_rows = fused ? q_rows + 2 * kv_rows : 0};
  };
  const std::array outputs = {output(names.q, q_rows, q, 0), output(names.k, kv_rows, kv, q_rows),
                              output(names.v, kv_rows, kv, q_rows + kv_rows)};
  return ColumnLinear::load(weights, outputs, model.hidden_size, model.qkv_bias);
}

}  // namespace

Range Attention::Heads::readers(int64_t i) const {
  const int64_t first = (kv.begin + i) * group;
  return {std::max(q.begin, first), std::min(q.end, first + group)};
}

Result<Attention> Attention::load(Weights& weights, const ModelSpec& model, const LayerNames& names,
                                  const std::string& prefix, const LayerSpec& spec, const TensorCut& cut, int rank,
                                  int64_t layer) {
  const Heads heads{.q = cut.heads.units(rank),
                    .kv = cut.kv_heads(rank, model),
                    .group = model.num_heads / model.num_kv_heads,
                    .dim = model.head_dim};
  KERF_TRY(ColumnLinear qkv, load_qkv(weights, model, names, prefix, heads.q, heads.kv));
  KERF_TRY(RowLinear output,
           RowLinear::load(weights, prefix + std::string(names.o), model.hidden_size, model.num_heads * model.head_dim,
                           cut.heads, model.head_dim, rank, model.output_bias));
  Attention attention(heads, std::move(qkv), std::move(output));
  if (model.qk_norm) {
    const auto norm = [&](std::string_view name) {
      return RmsNorm::load(weights, prefix + std::string(name), model.head_dim, model.norm_eps, model.norm_adds_one);
    };
    KERF_TRY(attention.q_norm_, norm(names.q_norm));
    KERF_TRY(attention.k_norm_, norm(names.k_norm));
  }
  attention.layer_ = layer;
  attention.window_ = spec.window;
  attention.scale_ = static_cast<float>(model.attention_scale);
  attention.softcap_ = static_cast<float>(model.attention_softcap);
  return attention;
}

void Attention::forward(const Exec& exec, TensorParallel& tp, const Batch& batch, Rotation rotation, KvCache& cache,
                        const float* x, float* y) const {
  const Arena::Frame frame(exec.scratch);
  auto* qkv = exec.scratch.take<float>(batch.tokens() * qkv_.n());
  auto* mixed = exec.scratch.take<float>(batch.tokens() * heads_.q.size() * heads_.dim);
  qkv_.forward(exec, x, batch.tokens(), qkv);
  rotate_and_store(exec, batch, rotation, cache, qkv);
  attend(exec, batch, cache, qkv, mixed);
  output_.forward(exec, tp, mixed, batch.tokens(), y);
}

//   qkv  // [tokens, (q heads + 2 · kv heads) · dim] f32; q is rotated in place, k and v go to the cache
void Attention::rotate_and_store(const Exec& exec, const Batch& batch, Rotation rotation, KvCache& cache,
                                 float* qkv) const {
  const Kernels& kernels = exec.kernels;
  const int64_t dim = heads_.dim;
  exec.pool.parallel_for(static_cast<int>(batch.tokens()), [&](int token) {
    float* q = qkv + token * qkv_.n();
    float* k = q + heads_.q.size() * dim;
    float* v = k + heads_.kv.size() * dim;
    const float* cos = rotation.cos + token * dim / 2;
    const float* sin = rotation.sin + token * dim / 2;
    const int64_t position = batch.positions[static_cast<size_t>(token)];
    const int64_t slot = position % kBlock;
    const int64_t block = batch.block_tables[static_cast<size_t>(token)][position / kBlock] * cache.block_stride();
    for (int64_t i = 0; i < heads_.q.size(); ++i, q += dim) {
      if (q_norm_) q_norm_->row(kernels, q, q);
      kernels.rope(q, cos, sin, dim);
    }
    for (int64_t i = 0; i < heads_.kv.size(); ++i, k += dim, v += dim) {
      if (k_norm_) k_norm_->row(kernels, k, k);
      kernels.rope(k, cos, sin, dim);
      kernels.store_key(k, dim, cache.dtype(), cache.keys(layer_, i) + block, slot);
      kernels.store_value(v, dim, cache.dtype(), cache.values(layer_, i) + block, slot);
    }
  });
}

//   out  // [tokens, q heads · dim] f32
void Attention::attend(const Exec& exec, const Batch& batch, const KvCache& cache, const float* qkv, float* out) const {
  const auto kv_heads = static_cast<int>(heads_.kv.size());
  exec.pool.parallel_for(static_cast<int>(batch.tokens()) * kv_heads, [&](int task) {
    const int token = task / kv_heads;
    const int kv = task % kv_heads;
    const Range readers = heads_.readers(kv);
    const int64_t first_reader = (readers.begin - heads_.q.begin) * heads_.dim;
    const int64_t position = batch.positions[static_cast<size_t>(token)];
    exec.kernels.attention({.q = qkv + token * qkv_.n() + first_reader,
                            .heads = readers.size(),
                            .head_dim = heads_.dim,
                            .k = cache.keys(layer_, kv),
                            .v = cache.values(layer_, kv),
                            .block_stride = cache.block_stride(),
                            .blocks = batch.block_tables[static_cast<size_t>(token)],
                            .kv_dtype = cache.dtype(),
                            .first = window_ == 0 ? 0 : std::max<int64_t>(0, position - window_ + 1),
                            .last = position,
                            .scale = scale_,
                            .softcap = softcap_,
                            .out = out + token * heads_.q.size() * heads_.dim + first_reader});
  });
}

}  // namespace kerf
