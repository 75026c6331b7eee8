// Checkpoint: the weights of a Hugging Face model directory, memory-mapped.
//
// Either one model.safetensors, or the files that model.safetensors.index.json lists. Opening reads
// headers alone; a weight's bytes come from disk when someone reads them. A loader asks for a
// matrix, cuts its shard out with block(), reads it, and says so with touch().
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/mapped_file.h"
#include "kerf/io/safetensors.h"
#include "kerf/spec/dtype.h"

namespace kerf {

// A rectangle of a stored matrix: [rows, cols] of f32, f16 or bf16, row i at data + i * row_stride elements.
struct MatrixView {
  const void* data = nullptr;  // aligned to its element; belongs to the Checkpoint
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_stride = 0;  // elements

  // Rows [row0, row1) and columns [col0, col1) of it.
  // REQUIRES: 0 <= row0 <= row1 <= rows, 0 <= col0 <= col1 <= cols.
  [[nodiscard]] MatrixView block(int64_t row0, int64_t row1, int64_t col0, int64_t col1) const;
  [[nodiscard]] MatrixView row_block(int64_t row0, int64_t row1) const { return block(row0, row1, 0, cols); }
  [[nodiscard]] MatrixView col_block(int64_t col0, int64_t col1) const { return block(0, rows, col0, col1); }

  [[nodiscard]] const void* row(int64_t i) const { return row_block(i, i + 1).data; }
  [[nodiscard]] int64_t bytes() const { return rows * cols * static_cast<int64_t>(size_of(dtype)); }
};

// Reading is thread-safe; touch() is not. Each rank opens a Checkpoint of its own.
class Checkpoint {
 public:
  static Result<Checkpoint> open(const std::filesystem::path& dir);

  // nullptr when there is none of that name.
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;

  // The whole tensor, which must be [rows, cols] and f32, f16 or bf16.
  [[nodiscard]] Result<MatrixView> matrix(std::string_view name, int64_t rows, int64_t cols) const;
  // The same for a tensor [size], as a matrix of one row.
  [[nodiscard]] Result<MatrixView> vector(std::string_view name, int64_t size) const;

  // Counts the bytes of a view that this rank takes. The same view twice, as of an embedding that is
  // also the head, counts once.
  void touch(const MatrixView& view);
  [[nodiscard]] int64_t bytes_read() const { return bytes_read_; }
  // Of all tensors together.
  [[nodiscard]] int64_t total_bytes() const;

  // Takes a view that has been copied elsewhere out of this process's memory; reading it again works.
  static void drop(const MatrixView& view);

 private:
  struct Entry {
    TensorInfo info;
    size_t file;  // index into files_
  };

  explicit Checkpoint(std::filesystem::path dir) : dir_(std::move(dir)) {}
  Status open_single();
  Status open_sharded();
  Result<size_t> map_file(const std::string& name, std::vector<TensorInfo>& tensors);
  Result<MatrixView> view(std::string_view name, const std::vector<int64_t>& shape) const;

  std::filesystem::path dir_;
  std::vector<MappedFile> files_;
  std::vector<std::string> file_names_;  // with the directory
  std::map<std::string, Entry, std::less<>> tensors_;

  std::set<std::tuple<const void*, int64_t, int64_t, int64_t>> touched_;  // data, rows, cols, row_stride
  int64_t bytes_read_ = 0;
};

}  // namespace kerf
