#include "kerf/io/model_dir.h"

namespace kerf {

Status require_model_dir(const std::filesystem::path& dir) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(dir, error);
  if (!std::filesystem::exists(status)) {
    return fail("there is no directory {}; give a Hugging Face model directory", dir.string());
  }
  if (!std::filesystem::is_directory(status)) {
    return fail("{} is a file; give the model directory that holds it", dir.string());
  }
  return Ok{};
}

}  // namespace kerf
