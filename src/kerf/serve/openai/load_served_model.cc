#include "kerf/serve/openai/load_served_model.h"

#include <algorithm>
#include <chrono>

#include "kerf/io/mapped_file.h"
#include "kerf/serve/openai/tool_format.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

constexpr size_t kHeadBytes = size_t{1} << 20;  // of each file, where safetensors have their header
constexpr size_t kSamples = 256;                // of the rest, one every 1/256 of the file
constexpr size_t kSampleBytes = 64;

// FNV-1a, 64 bits (draft-eastlake-fnv): names weights, and guards nothing.
class Hash {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
    state_ = (state_ ^ bytes.size()) * 0x100000001B3;
  }
  [[nodiscard]] uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0xCBF29CE484222325;
};

void add_file(Hash& hash, const std::string& name, std::string_view bytes) {
  hash.add(name);
  hash.add(std::to_string(bytes.size()));
  hash.add(bytes.substr(0, kHeadBytes));
  for (size_t i = 1; i < kSamples; ++i) hash.add(bytes.substr(bytes.size() / kSamples * i, kSampleBytes));
}

int64_t longest_token(const Tokenizer& tokenizer) {
  size_t longest = 1;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) longest = std::max(longest, tokenizer.token_bytes(id).size());
  return static_cast<int64_t>(longest);
}

// "models/x/" → "x"
std::string name_of_dir(const fs::path& dir) {
  const fs::path whole = fs::absolute(dir).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace

Result<std::string> weights_fingerprint(const fs::path& dir, const std::string& weights) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "config.json") {
      files.push_back(entry.path());
    }
  }
  if (error) return fail("{}: {}", dir.string(), error.message());
  std::ranges::sort(files);
  Hash hash;
  hash.add(weights);
  for (const fs::path& path : files) {
    KERF_TRY(const MappedFile file, MappedFile::open(path));
    add_file(hash, path.filename().string(), file.text());
  }
  return fmt::format("fp_{:016x}", hash.value());
}

Result<std::shared_ptr<const ServedModel>> load_served_model(ServedModelOptions options) {
  auto model = std::make_shared<ServedModel>();
  KERF_TRY(std::unique_ptr<Tokenizer> tokenizer, Tokenizer::load(options.dir));
  model->tokenizer = std::move(tokenizer);
  KERF_TRY(model->chat, load_chat_template(options.dir));
  KERF_TRY(model->defaults, load_generation_defaults(options.dir));
  KERF_TRY(model->fingerprint, weights_fingerprint(options.dir, options.weights));
  if (model->chat) model->tools = tool_format_of(model->chat->source);
  model->names = std::move(options.names);
  if (model->names.empty()) model->names.push_back(name_of_dir(options.dir));
  model->root = options.dir.string();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  model->created = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  model->vocab_size = options.vocab_size;
  model->max_model_len = options.max_model_len;
  model->longest_token_bytes = longest_token(*model->tokenizer);
  return std::shared_ptr<const ServedModel>(std::move(model));
}

}  // namespace kerf
