#include "kerf/io/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr std::string_view kRemedy = "the file is damaged, download it again";

struct FileDType {
  std::string_view name;
  uint64_t bits;
  std::optional<DType> dtype = std::nullopt;
};
constexpr std::array kFileDTypes = {
    FileDType{"F32", 32, DType::kF32},
    FileDType{"F16", 16, DType::kF16},
    FileDType{"BF16", 16, DType::kBF16},
    FileDType{"I32", 32, DType::kI32},
    FileDType{"F64", 64},
    FileDType{"F8_E4M3", 8},
    FileDType{"F8_E5M2", 8},
    FileDType{"F8_E8M0", 8},
    FileDType{"F6_E2M3", 6},
    FileDType{"F6_E3M2", 6},
    FileDType{"F4", 4},
    FileDType{"C64", 64},
    FileDType{"I64", 64},
    FileDType{"I16", 16},
    FileDType{"I8", 8},
    FileDType{"U64", 64},
    FileDType{"U32", 32},
    FileDType{"U16", 16},
    FileDType{"U8", 8},
    FileDType{"BOOL", 8},
};

// The header's text; its length field is the first thing that a damaged file gets wrong.
Result<std::string_view> header_text(std::span<const std::byte> file, std::string_view file_name) {
  if (file.size() < kLengthBytes) {
    return fail("{}: {} bytes are too few for a safetensors file; {}", file_name, file.size(), kRemedy);
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | std::to_integer<uint64_t>(file[i]);
  if (length > kMaxHeaderBytes) {
    return fail("{}: claims a header of {} bytes, at most {} are allowed; it is damaged or no safetensors file",
                file_name, length, kMaxHeaderBytes);
  }
  if (length > file.size() - kLengthBytes) {
    return fail(
        "{}: claims a header of {} bytes but holds only {} after the length; it is truncated, download it again",
        file_name, length, file.size() - kLengthBytes);
  }
  return std::string_view(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
}

// An array of whole numbers >= 0.
Result<std::vector<int64_t>> sizes(const JsonFields& entry, std::string_view name, std::string_view expected) {
  const nlohmann::json* list = entry.find(name);
  if (list == nullptr || !list->is_array()) return entry.wrong(name, expected);
  std::vector<int64_t> values;
  for (const nlohmann::json& value : *list) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX) {
      return fail("{}: '{}' holds {}; expected {}", entry.where(), name, describe(value), expected);
    }
    values.push_back(value.get<int64_t>());
  }
  return values;
}

// What shape and dtype need.
Result<uint64_t> bytes_needed(const TensorInfo& tensor, uint64_t bits, const std::string& where) {
  uint64_t total = bits;
  for (const int64_t extent : tensor.shape) {
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(extent), &total)) {
      return fail("{}: shape {} is larger than any memory; {}", where, shape_string(tensor.shape), kRemedy);
    }
  }
  if (total % 8 != 0)
    return fail("{}: shape {} of {} is no whole number of bytes", where, shape_string(tensor.shape), tensor.dtype_name);
  return total / 8;
}

// One entry of the header; offset is left relative to the start of the data.
Result<TensorInfo> parse_entry(const std::string& name, const nlohmann::json& value, std::string_view file_name) {
  const std::string where = fmt::format("{}: tensor '{}'", file_name, shown(name));
  KERF_TRY(const JsonFields entry, JsonFields::of(value, where));
  TensorInfo tensor{.name = name};
  KERF_TRY(tensor.dtype_name, entry.string("dtype"));
  const auto* known = std::ranges::find(kFileDTypes, tensor.dtype_name, &FileDType::name);
  if (known == kFileDTypes.end()) return entry.wrong("dtype", "a safetensors dtype such as F32, F16 or BF16");
  tensor.dtype = known->dtype;
  KERF_TRY(tensor.shape, sizes(entry, "shape", "a list of whole numbers >= 0"));

  constexpr std::string_view kOffsets = "a begin and an end, whole numbers with begin <= end";
  KERF_TRY(const std::vector<int64_t> offsets, sizes(entry, "data_offsets", kOffsets));
  if (offsets.size() != 2) return entry.wrong("data_offsets", kOffsets);
  if (offsets[0] > offsets[1]) {
    return fail("{}: 'data_offsets' is [{}, {}]; expected {}", where, offsets[0], offsets[1], kOffsets);
  }
  tensor.offset = static_cast<uint64_t>(offsets[0]);
  tensor.bytes = static_cast<uint64_t>(offsets[1] - offsets[0]);

  KERF_TRY(const uint64_t needed, bytes_needed(tensor, known->bits, where));
  if (needed != tensor.bytes) {
    return fail("{}: its offsets span {} bytes, but shape {} of {} takes {}; {}", where, tensor.bytes,
                shape_string(tensor.shape), tensor.dtype_name, needed, kRemedy);
  }
  return tensor;
}

// Tensors, in the order of their offsets, must cover [0, data_bytes) exactly.
Status check_coverage(const std::vector<TensorInfo>& tensors, uint64_t data_bytes, std::string_view file_name) {
  uint64_t end = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = tensors[i];
    const std::string name = shown(tensor.name);
    if (tensor.offset < end) {
      return fail("{}: tensor '{}' begins at byte {} of the data, inside tensor '{}', which ends at {}; {}", file_name,
                  name, tensor.offset, shown(tensors[i - 1].name), end, kRemedy);
    }
    if (tensor.offset > end) {
      return fail("{}: bytes {} to {} of the data, before tensor '{}', belong to no tensor; {}", file_name, end,
                  tensor.offset, name, kRemedy);
    }
    end = tensor.offset + tensor.bytes;
    if (end > data_bytes) {
      return fail(
          "{}: tensor '{}' ends at byte {} of the data, but the file holds only {}; it is truncated, download it again",
          file_name, name, end, data_bytes);
    }
  }
  if (end != data_bytes) {
    return fail("{}: {} bytes after the last tensor belong to no tensor; {}", file_name, data_bytes - end, kRemedy);
  }
  return Ok{};
}

}  // namespace

Result<std::vector<TensorInfo>> parse_safetensors(std::span<const std::byte> file, std::string_view file_name) {
  KERF_TRY(const std::string_view text, header_text(file, file_name));
  const std::string where = fmt::format("{}: header", file_name);
  const JsonLimits limits{.max_bytes = kMaxHeaderBytes, .max_depth = 8, .unique_names = true};
  KERF_TRY(const nlohmann::json header, parse_json(text, where, limits));
  if (!header.is_object()) return fail("{} is {}; expected an object {{...}} of tensors", where, describe(header));

  std::vector<TensorInfo> tensors;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;  // free text for people
    KERF_TRY(TensorInfo tensor, parse_entry(name, value, file_name));
    tensors.push_back(std::move(tensor));
  }
  std::ranges::sort(tensors, {}, [](const TensorInfo& tensor) { return std::pair(tensor.offset, tensor.bytes); });
  const uint64_t data_start = kLengthBytes + text.size();
  KERF_TRY_STATUS(check_coverage(tensors, file.size() - data_start, file_name));
  for (TensorInfo& tensor : tensors) tensor.offset += data_start;
  return tensors;
}

std::string shape_string(std::span<const int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace kerf
