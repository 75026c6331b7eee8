#include "kerf/nn/attention.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

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

// Rows (query heads of tokens) that read a block's keys and values together: enough that widening them to f32 costs few
// per cent, and few enough that a prompt gives every thread several tiles.
constexpr int64_t kRowsPerTile = 64;

// Below so many (tile, KV head) per thread an uneven rest leaves threads idle for long.
constexpr int kFewTasksPerThread = 4;
constexpr int64_t kBlocksWorthSharing = 8;  // blocks per task: 512 positions take longer than two loops more

// Consecutive tokens of one sequence, `most` at a time.
std::vector<Attention::Tile> cut_into_tiles(const Batch& batch, int64_t most) {
  std::vector<Attention::Tile> tiles;
  for (int64_t token = 0; token < batch.tokens(); ++token) {
    const auto i = static_cast<size_t>(token);
    const bool follows = token > 0 && batch.block_tables[i] == batch.block_tables[i - 1] &&
                         batch.positions[i] == batch.positions[i - 1] + 1;
    if (follows && tiles.back().tokens < most) {
      ++tiles.back().tokens;
    } else {
      tiles.push_back({token, 1});
    }
  }
  return tiles;
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
                        const float* x, float* y, const std::function<void(int64_t row)>& after_row) const {
  const Arena::Frame frame(exec.scratch);
  auto* qkv = exec.scratch.take<float>(batch.tokens() * qkv_.n());
  auto* mixed = exec.scratch.take<float>(batch.tokens() * heads_.q.size() * heads_.dim);
  qkv_.forward(exec, x, batch.tokens(), qkv);
  rotate_and_store(exec, batch, rotation, cache, qkv);
  attend(exec, batch, cache, qkv, mixed);
  output_.forward(exec, tp, mixed, batch.tokens(), y, after_row);
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

AttentionArgs Attention::args_of(const Batch& batch, const KvCache& cache, const float* qkv, float* out, Tile tile,
                                 int64_t kv) const {
  const Range readers = heads_.readers(kv);
  const int64_t first_reader = (readers.begin - heads_.q.begin) * heads_.dim;
  const int64_t out_stride = heads_.q.size() * heads_.dim;
  const auto token = static_cast<size_t>(tile.token);
  return {.q = qkv + tile.token * qkv_.n() + first_reader,
          .q_stride = qkv_.n(),
          .tokens = tile.tokens,
          .heads = readers.size(),
          .head_dim = heads_.dim,
          .k = cache.keys(layer_, kv),
          .v = cache.values(layer_, kv),
          .block_stride = cache.block_stride(),
          .blocks = batch.block_tables[token],
          .kv_dtype = cache.dtype(),
          .position = batch.positions[token],
          .window = window_,
          .scale = scale_,
          .softcap = softcap_,
          .out = out + tile.token * out_stride + first_reader,
          .out_stride = out_stride};
}

//   out  // [tokens, q heads · dim] f32
void Attention::attend(const Exec& exec, const Batch& batch, const KvCache& cache, const float* qkv, float* out) const {
  const std::vector<Tile> tiles = cut_into_tiles(batch, std::max<int64_t>(1, kRowsPerTile / heads_.group));
  const auto kv_heads = static_cast<int>(heads_.kv.size());
  const auto tasks = static_cast<int>(tiles.size()) * kv_heads;
  if (tasks % exec.pool.threads() != 0 && tasks < kFewTasksPerThread * exec.pool.threads() &&
      batch.tokens() == static_cast<int64_t>(tiles.size()) && attend_by_blocks(exec, batch, cache, qkv, out)) {
    return;
  }
  // The last tokens of a prompt, which see most, come first: what remains for the end is small.
  exec.pool.parallel_for(tasks, [&](int task) {
    const Tile tile = tiles[tiles.size() - 1 - static_cast<size_t>(task / kv_heads)];
    exec.kernels.attention(args_of(batch, cache, qkv, out, tile, task % kv_heads));
  });
}

// Threads share the blocks of few decoding tokens. False where that is too much memory, or too little work.
bool Attention::attend_by_blocks(const Exec& exec, const Batch& batch, const KvCache& cache, const float* qkv,
                                 float* out) const {
  struct Work {
    AttentionArgs args;
    int64_t first_block, end_block;
    float* shares;
    [[nodiscard]] int64_t share_size() const { return args.heads * (args.head_dim + 2); }
  };
  const Arena::Frame frame(exec.scratch);
  std::vector<Work> work;
  std::vector<std::pair<size_t, int64_t>> blocks;  // (work, block)
  int64_t floats = 0;
  for (int64_t token = 0; token < batch.tokens(); ++token) {
    for (int64_t kv = 0; kv < heads_.kv.size(); ++kv) {
      const AttentionArgs args = args_of(batch, cache, qkv, out, {token, 1}, kv);
      const int64_t first = window_ == 0 ? 0 : std::max<int64_t>(0, args.position - window_ + 1);
      work.push_back({args, first / kBlock, args.position / kBlock + 1, nullptr});
      for (int64_t b = work.back().first_block; b < work.back().end_block; ++b) blocks.emplace_back(work.size() - 1, b);
      floats += (work.back().end_block - work.back().first_block) * work.back().share_size();
    }
  }
  if (floats > kMaxShareFloats || std::ssize(blocks) < kBlocksWorthSharing * std::ssize(work)) return false;
  auto* shares = exec.scratch.take<float>(floats);
  for (Work& one : work) {
    one.shares = shares;
    shares += (one.end_block - one.first_block) * one.share_size();
  }
  exec.pool.parallel_for(static_cast<int>(blocks.size()), [&](int i) {
    const auto [which, block] = blocks[static_cast<size_t>(i)];
    const Work& one = work[which];
    exec.kernels.attention_block(one.args, block, one.shares + (block - one.first_block) * one.share_size());
  });
  exec.pool.parallel_for(static_cast<int>(work.size()), [&](int i) {
    const Work& one = work[static_cast<size_t>(i)];
    exec.kernels.attention_merge(one.args, one.shares, one.end_block - one.first_block);
  });
  return true;
}

}  // namespace kerf
