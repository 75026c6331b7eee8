#include "kerf/io/checkpoint.h"

#include <algorithm>

#include "kerf/base/check.h"
#include "kerf/io/json.h"
#include "kerf/io/model_dir.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

// Why a directory without safetensors weights cannot be opened, judging by what else is in it.
Error no_weights(const fs::path& dir) {
  int safetensors = 0;
  std::string foreign;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".safetensors") ++safetensors;
    if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".gguf") {
      foreign = std::max(foreign, entry.path().filename().string());
    }
  }
  if (safetensors > 0) {
    return fail("{} holds {} .safetensors file(s) but neither {} nor {}; download the index too", dir.string(),
                safetensors, kSingleFile, kIndexFile);
  }
  if (!foreign.empty()) {
    return fail("{} holds {} but no {}; convert the weights to safetensors, kerf reads nothing else", dir.string(),
                shown(foreign), kSingleFile);
  }
  return fail("{} holds no weights: neither {} nor {}", dir.string(), kSingleFile, kIndexFile);
}

// Files of a checkpoint lie in its directory, whatever an index claims.
bool stays_inside(const fs::path& name) {
  return !name.empty() && name.is_relative() && std::ranges::find(name, fs::path("..")) == name.end();
}

}  // namespace

MatrixView MatrixView::block(int64_t row0, int64_t row1, int64_t col0, int64_t col1) const {
  KERF_CHECK(0 <= row0 && row0 <= row1 && row1 <= rows, "rows outside the matrix");
  KERF_CHECK(0 <= col0 && col0 <= col1 && col1 <= cols, "columns outside the matrix");
  const int64_t skipped = row0 * row_stride + col0;
  return {.data = static_cast<const std::byte*>(data) + skipped * static_cast<int64_t>(size_of(dtype)),
          .dtype = dtype,
          .rows = row1 - row0,
          .cols = col1 - col0,
          .row_stride = row_stride};
}

Result<Checkpoint> Checkpoint::open(const fs::path& dir) {
  KERF_TRY_STATUS(require_model_dir(dir));
  std::error_code error;
  Checkpoint checkpoint(dir);
  if (fs::exists(dir / kSingleFile, error)) {  // as in transformers, it goes before an index
    KERF_TRY_STATUS(checkpoint.open_single());
  } else if (fs::exists(dir / kIndexFile, error)) {
    KERF_TRY_STATUS(checkpoint.open_sharded());
  } else {
    return no_weights(dir);
  }
  return checkpoint;
}

Result<size_t> Checkpoint::map_file(const std::string& name, std::vector<TensorInfo>& tensors) {
  const std::string path = (dir_ / name).string();
  KERF_TRY(MappedFile file, MappedFile::open(path));
  KERF_TRY(tensors, parse_safetensors(file.bytes(), path));
  files_.push_back(std::move(file));
  file_names_.push_back(path);
  return files_.size() - 1;
}

Status Checkpoint::open_single() {
  std::vector<TensorInfo> found;
  KERF_TRY(const size_t file, map_file(kSingleFile, found));
  for (TensorInfo& info : found) {
    std::string name = info.name;
    tensors_.emplace(std::move(name), Entry{std::move(info), file});
  }
  return Ok{};
}

Status Checkpoint::open_sharded() {
  const std::string index_name = (dir_ / kIndexFile).string();
  KERF_TRY(const nlohmann::json index, read_json(index_name));
  KERF_TRY(const JsonFields fields, JsonFields::of(index, index_name));
  KERF_TRY_STATUS(fields.object("weight_map"));

  std::map<std::string, std::vector<std::string>> wanted;  // file → tensors
  for (const auto& [tensor, file] : index.at("weight_map").items()) {
    if (!file.is_string() || !stays_inside(file.get<std::string>())) {
      return fail("{}: tensor '{}' is said to lie in {}; expected the name of a file beside the index", index_name,
                  shown(tensor), describe(file));
    }
    wanted[file.get<std::string>()].push_back(tensor);
  }
  for (const auto& [name, names] : wanted) {
    std::error_code error;
    if (!fs::exists(dir_ / name, error)) {
      return fail("{} is missing, though {} lists it; download it", (dir_ / name).string(), kIndexFile);
    }
    std::vector<TensorInfo> found;
    KERF_TRY(const size_t file, map_file(name, found));
    std::ranges::sort(found, {}, &TensorInfo::name);
    for (const std::string& tensor : names) {
      const auto info = std::ranges::lower_bound(found, tensor, {}, &TensorInfo::name);
      if (info == found.end() || info->name != tensor) {
        return fail("{} lacks tensor '{}', though {} lists it there; download both again", file_names_[file],
                    shown(tensor), kIndexFile);
      }
      tensors_.emplace(tensor, Entry{*info, file});
    }
  }
  return Ok{};
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto entry = tensors_.find(name);
  return entry == tensors_.end() ? nullptr : &entry->second.info;
}

Result<MatrixView> Checkpoint::matrix(std::string_view name, int64_t rows, int64_t cols) const {
  return view(name, {rows, cols});
}

Result<MatrixView> Checkpoint::vector(std::string_view name, int64_t size) const { return view(name, {size}); }

Result<MatrixView> Checkpoint::view(std::string_view name, const std::vector<int64_t>& shape) const {
  const auto entry = tensors_.find(name);
  if (entry == tensors_.end()) {
    return fail("{}: tensor '{}' is missing; config.json asks for it, shape {}", dir_.string(), name,
                shape_string(shape));
  }
  const auto& [info, file] = entry->second;
  if (info.shape != shape) {
    return fail("{}: tensor '{}' has shape {}; config.json asks for {}", file_names_[file], name,
                shape_string(info.shape), shape_string(shape));
  }
  if (!info.dtype || !is_float(*info.dtype)) {
    return fail("{}: tensor '{}' is {}; expected F32, F16 or BF16", file_names_[file], name, info.dtype_name);
  }
  if (info.offset % size_of(*info.dtype) != 0) {
    return fail(
        "{}: tensor '{}' begins at byte {}, not a multiple of its {}-byte elements; save it again with a "
        "current safetensors",
        file_names_[file], name, info.offset, size_of(*info.dtype));
  }
  return MatrixView{.data = files_[file].bytes().data() + info.offset,
                    .dtype = *info.dtype,
                    .rows = shape.size() == 1 ? 1 : shape[0],
                    .cols = shape.back(),
                    .row_stride = shape.back()};
}

int64_t Checkpoint::total_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, entry] : tensors_) bytes += static_cast<int64_t>(entry.info.bytes);
  return bytes;
}

void Checkpoint::touch(const MatrixView& view) {
  if (touched_.emplace(view.data, view.rows, view.cols, view.row_stride).second) bytes_read_ += view.bytes();
}

void Checkpoint::drop(const MatrixView& view) {
  if (view.rows == 0 || view.cols == 0) return;
  const auto elements = static_cast<size_t>((view.rows - 1) * view.row_stride + view.cols);
  drop_pages({static_cast<const std::byte*>(view.data), elements * size_of(view.dtype)});
}

}  // namespace kerf
