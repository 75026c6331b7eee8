#include "kerf/nn/weights.h"

#include <algorithm>
#include <utility>

namespace kerf {

namespace {

// Rows that one task of a matmul takes together: enough to use a panel well once it is in cache.
constexpr int64_t kRowsPerTask = 128;

// Rows of x that one task prepares: a few microseconds' work.
constexpr int64_t kRowsPerPrepare = 8;

}  // namespace

PackedMatrix::PackedMatrix(WeightFormat format, std::span<const MatrixView> parts, std::vector<int64_t> k_bounds,
                           const MergeProgram& program, const Exec& exec, void (*packed)(const MatrixView& rows))
    : format_(format), bounds_(std::move(k_bounds)), program_(program) {
  for (const MatrixView& part : parts) n_ += part.rows;
  const MatmulKernel& kernel = exec.kernels.matmul[static_cast<size_t>(format_)];
  data_ = Buffer(kernel.packed_bytes(n_, slices()), Buffer::Pages::kHuge);
  int64_t first_row = 0;
  for (const MatrixView& part : parts) {
    // Tasks end where a panel of the packed matrix does: no two write the same panel.
    const int64_t lead = (kPanel - first_row % kPanel) % kPanel;
    const int64_t tasks = 1 + (std::max<int64_t>(part.rows - lead, 0) + kPanel - 1) / kPanel;
    exec.pool.parallel_for(static_cast<int>(tasks), [&](int task) {
      const int64_t begin = task == 0 ? 0 : std::min(part.rows, lead + (task - 1) * kPanel);
      const int64_t end = std::min(part.rows, lead + task * kPanel);
      if (begin == end) return;
      const MatrixView rows = part.row_block(begin, end);
      kernel.pack({.rows = rows.data,
                   .dtype = rows.dtype,
                   .row_stride = rows.row_stride,
                   .n = rows.rows,
                   .slices = slices(),
                   .first_row = first_row + begin,
                   .packed = data_.data()});
      packed(rows);
    });
    packed(part);  // a task's last rows may have brought its neighbours' back
    first_row += part.rows;
  }
}

KSlices PackedMatrix::slices() const {
  return {.bounds = bounds_, .merges = program_.merges, .results = program_.results, .depth = program_.depth};
}

void PackedMatrix::multiply(const Exec& exec, const float* x, int64_t m, float* out) const {
  if (m == 0) return;
  const MatmulKernel& kernel = exec.kernels.matmul[static_cast<size_t>(format_)];
  const Arena::Frame frame(exec.scratch);
  std::byte* prepared = exec.scratch.take_bytes(kernel.prepared_bytes(m, slices()));
  const auto row_bytes = static_cast<int64_t>(kernel.prepared_bytes(1, slices()));
  const int64_t prepare_tasks = (m + kRowsPerPrepare - 1) / kRowsPerPrepare;
  exec.pool.parallel_for(static_cast<int>(prepare_tasks), [&](int task) {
    const int64_t row = task * kRowsPerPrepare;
    kernel.prepare(x + row * k(), k(), std::min(kRowsPerPrepare, m - row), slices(), prepared + row * row_bytes);
  });

  // Tasks are blocks of rows times runs of panels: at least four a thread, to even out.
  const int64_t row_blocks = (m + kRowsPerTask - 1) / kRowsPerTask;
  const int64_t wanted = std::max<int64_t>(1, 4 * exec.pool.threads() / row_blocks);
  const int64_t runs = exec.pool.threads() == 1 ? 1 : std::min(panels(n_), wanted);
  exec.pool.parallel_for(static_cast<int>(row_blocks * runs), [&](int task) {
    const int64_t row = task / runs * kRowsPerTask;
    const int64_t run = task % runs;
    kernel.matmul({.x = prepared + row * row_bytes,
                   .m = std::min(kRowsPerTask, m - row),
                   .packed = data_.data(),
                   .n = n_,
                   .slices = slices(),
                   .out = out + row * n_,
                   .node_stride = m * n_,
                   .row_stride = n_,
                   .first_panel = run * panels(n_) / runs,
                   .last_panel = (run + 1) * panels(n_) / runs});
  });
}

Weights::Weights(Checkpoint& checkpoint, WeightFormat format, const Exec& exec, std::function<void(int64_t)> done)
    : checkpoint_(checkpoint), format_(format), exec_(exec), done_(std::move(done)) {}

Result<MatrixView> Weights::view(const Part& part) {
  KERF_TRY(const MatrixView whole, checkpoint_.matrix(part.name, part.rows, part.cols));
  const MatrixView taken =
      whole.block(part.row_range.begin, part.row_range.end, part.col_range.begin, part.col_range.end);
  checkpoint_.touch(taken);
  if (done_) done_(checkpoint_.bytes_read());
  return taken;
}

Result<PackedMatrix> Weights::matrix(std::span<const Part> parts, std::vector<int64_t> k_bounds,
                                     const MergeProgram& program) {
  std::vector<MatrixView> views;
  for (const Part& part : parts) {
    KERF_TRY(views.emplace_back(), view(part));
  }
  return PackedMatrix(format_, views, std::move(k_bounds), program, exec_, Checkpoint::drop);
}

Result<std::vector<float>> Weights::vector(const std::string& name, int64_t size, Range range) {
  KERF_TRY(const MatrixView whole, checkpoint_.vector(name, size));
  const MatrixView part = whole.col_block(range.begin, range.end);
  checkpoint_.touch(part);
  std::vector<float> values(static_cast<size_t>(range.size()));
  exec_.kernels.widen(part.data, part.dtype, range.size(), values.data());
  return values;
}

}  // namespace kerf
