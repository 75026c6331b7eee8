#include "kerf/apps/probe/compute_probe.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kerf/apps/probe/rounds.h"
#include "kerf/base/check.h"
#include "kerf/base/thread_pool.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/scheduler.h"
#include "kerf/nn/rope.h"
#include "kerf/nn/weights.h"

namespace kerf {

namespace {

struct NamedFormat {
  const char* name;
  const char* prepare;  // ElementCost of its reading of x
  WeightFormat format;
  double weight_bytes;  // about, scales included
};
constexpr std::array kFormats = {NamedFormat{"bf16", "prepare_bf16", WeightFormat::kBF16, 2},
                                 NamedFormat{"f32", "prepare_f32", WeightFormat::kF32, 4},
                                 NamedFormat{"f16", "prepare_f16", WeightFormat::kF16, 2},
                                 NamedFormat{"int8", "prepare_int8", WeightFormat::kInt8, 1.125},
                                 NamedFormat{"int4", "prepare_int4", WeightFormat::kInt4, 0.625}};

struct NamedCache {
  const char* name;
  DType dtype;
};
constexpr std::array kCaches = {NamedCache{"bf16", DType::kBF16}, NamedCache{"f32", DType::kF32},
                                NamedCache{"f16", DType::kF16}, NamedCache{"int8", DType::kI8}};

constexpr int64_t kRowsPerPrepare = 8;     // nn/weights.cc
constexpr int64_t kMostStreamedRows = 32;  // beyond, arithmetic hides the reading
constexpr double kLeastSample_s = 100e-6;  // a sample lasts long enough for the clock and for a thread to wake

// 1, 2, 4, … and all.
std::vector<int> thread_counts(int cores) {
  std::vector<int> counts;
  for (int n = 1; n < cores; n *= 2) counts.push_back(n);
  counts.push_back(cores);
  return counts;
}

class ComputeProbe {
 public:
  explicit ComputeProbe(const ComputeProbeOptions& options)
      : options_(options),
        cores_(options.cores > 0 ? options.cores : static_cast<int>(std::thread::hardware_concurrency())),
        side_(options.tiny ? 64 : 2048),
        scratch_(static_cast<size_t>(most_rows() * side_ * 4 * 4 + (1 << 20))),
        input_(random_floats(most_rows() * side_)),
        output_(static_cast<size_t>(most_rows() * side_ * 4)),
        copied_(input_.size()) {
    for (const int n : thread_counts(cores_)) pools_.emplace(n, std::make_unique<ThreadPool>(n));
    figures_.cpu = cpu_name();
    figures_.isa = kernels().isa;
    figures_.cores = cores_;
    figures_.cache_bytes = static_cast<double>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
    figures_.read_gb_per_s.resize(static_cast<size_t>(cores_));
    figures_.fork_us.resize(static_cast<size_t>(cores_));
  }

  HostFigures run() {
    plan_reading();
    plan_matmuls();
    plan_attention();
    plan_elements();
    plan_forks();
    plan_engine();
    plan_files();
    rounds_.run(options_.budget_s, options_.tiny ? 1 : 3, options_.progress);
    fill_between(figures_.read_gb_per_s);
    fill_between(figures_.fork_us);
    return std::move(figures_);
  }

 private:
  [[nodiscard]] int64_t most_rows() const { return options_.tiny ? 8 : options_.quick ? 256 : 512; }
  [[nodiscard]] std::vector<int64_t> rows() const {
    if (options_.tiny) return {1, 8};
    if (options_.quick) return {1, 4, 16, 64, 256};
    return {1, 2, 4, 8, 12, 16, 24, 32, 64, 128, 256, 512};
  }

  static std::vector<float> random_floats(int64_t n) {
    std::minstd_rand rng(1);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = uniform(rng);
    return values;
  }

  [[nodiscard]] Exec exec(int threads) {
    return {.kernels = kernels(), .pool = *pools_.at(threads), .scratch = scratch_};
  }

  // Bandwidth of all threads together, each reading a part of its own.
  void plan_reading() {
    const size_t bytes = options_.tiny ? 1 << 16 : size_t{256} << 20;
    auto memory = std::make_shared<Buffer>(bytes);
    std::memset(memory->data(), 1, bytes);
    for (const auto& [threads, pool] : pools_) {
      rounds_.add(
          [this, memory, pool = pool.get(), bytes, at = size_t{0}]() mutable {
            // An eighth at a time, going on where the last sample ended, so that no cache helps.
            const size_t part = bytes / 8;
            const auto n = static_cast<size_t>(pool->threads());
            std::vector<uint64_t> sums(n * 8);
            const double seconds = time_of(
                [&] {
                  const auto* data = reinterpret_cast<const uint64_t*>(memory->data() + at);
                  at = (at + part) % bytes;
                  pool->parallel_for(static_cast<int>(n), [&](int thread) {
                    const auto i = static_cast<size_t>(thread);
                    const size_t words = part / 8;
                    std::array<uint64_t, 8> lanes{};
                    for (size_t w = words * i / n / 8 * 8; w + 8 <= words * (i + 1) / n; w += 8) {
                      for (size_t lane = 0; lane < 8; ++lane) lanes[lane] ^= data[w + lane];
                    }
                    for (size_t lane = 0; lane < 8; ++lane) sums[i * 8 + lane] = lanes[lane];
                  });
                },
                0);
            for (const uint64_t sum : sums) sink_ = sink_ + static_cast<double>(sum & 1);
            return static_cast<double>(part) / seconds / 1e9;
          },
          [this, threads = threads](const Middle& rate) {
            figures_.read_gb_per_s[static_cast<size_t>(threads) - 1] = rate.value;
            if (rate.value > 0) figures_.spread = rate.quartiles / rate.value;
          });
    }
  }

  // `count` matrices [n, k].
  std::shared_ptr<std::vector<PackedMatrix>> matrices(const NamedFormat& format, int64_t n, int64_t k, int count,
                                                      int slices) {
    const ReductionTree tree(even_bounds(slices, 1));
    std::vector<MatrixView> parts;
    for (int64_t row = 0; row < n; row += side_) {
      parts.push_back({.data = source().data(),
                       .dtype = DType::kF32,
                       .rows = std::min(side_, n - row),
                       .cols = k,
                       .row_stride = side_});
    }
    auto made = std::make_shared<std::vector<PackedMatrix>>();
    for (int i = 0; i < count; ++i) {
      made->emplace_back(format.format, parts, even_bounds(k, slices), tree.local(0), exec(cores_),
                         [](const MatrixView&) {});
    }
    return made;
  }
  const std::vector<float>& source() {
    if (source_.empty()) source_ = random_floats(side_ * side_);
    return source_;
  }

  // Small sets are read once before the clock starts, to lie where the running model's weights would; of large ones a
  // few matrices go by at a time. The matmul's reading of its input, which grows with M·K and not with M·N·K, is
  // measured apart and taken off.
  void add_matmul(const NamedFormat& format, std::shared_ptr<std::vector<PackedMatrix>> weights, int64_t m, int threads,
                  bool sliced) {
    const int64_t n = weights->front().n();
    const int64_t k = weights->front().k();
    const auto total = static_cast<int64_t>(weights->size());
    const bool streamed = total == streamed_count();
    const int64_t calls = streamed ? std::min<int64_t>(total, 8) : total;
    const double mb = static_cast<double>(total * n * k) * format.weight_bytes / 1e6;
    rounds_.add(
        [=, this, at = size_t{0}]() mutable {
          const Exec exec = this->exec(threads);
          const auto pass = [&] {
            for (int64_t i = 0; i < calls; ++i) {
              (*weights)[at].multiply(exec, input_.data(), m, output_.data());
              at = (at + 1) % weights->size();
            }
          };
          if (!streamed && m <= kMostStreamedRows) pass();
          if (streamed) {  // past the first pages' misses
            (*weights)[at].multiply(exec, input_.data(), m, output_.data());
            at = (at + 1) % weights->size();
          }
          return time_of(pass, options_.tiny ? 0 : kLeastSample_s) / static_cast<double>(calls);
        },
        [=, this](const Middle& time) {
          const auto found = std::ranges::find(figures_.elements, format.prepare, &ElementCost::op);
          const int64_t tasks = (m + kRowsPerPrepare - 1) / kRowsPerPrepare;
          const double prepare =
              static_cast<double>(m * k) * found->ns * 1e-9 / static_cast<double>(std::min<int64_t>(threads, tasks));
          const double seconds = std::max(time.value - prepare, time.value / 2);
          figures_.matmul.push_back({.format = format.name,
                                     .rows = m,
                                     .threads = threads,
                                     .sliced = sliced,
                                     .inputs = k,
                                     .weight_mb = mb,
                                     .gflops = 2e-9 * static_cast<double>(m * n * k) / seconds});
        });
  }

  // 256 MB, or what a small machine can spare: the formats' sets exist at the same time.
  [[nodiscard]] int64_t streamed_count() const {
    if (options_.quick) return 16;
    const int64_t memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
    return std::clamp<int64_t>(memory / 16 / (int64_t{8} << 20), 12, 32);
  }

  void plan_matmuls() {
    plan_prepare();
    for (const NamedFormat& format : kFormats) {
      // 8 MB stay in a last-level cache, 256 MB do not; what lies between is measured for one format. An eighth of the
      // inputs shows what an output costs by itself.
      const auto n = static_cast<int64_t>(static_cast<double>(side_) * 2 / format.weight_bytes) / kPanel * kPanel;
      const auto resident = matrices(format, n, side_, 1, 1);
      const auto streamed = matrices(format, n, side_, static_cast<int>(streamed_count()), 1);
      const auto sliced = matrices(format, n, side_, 1, kMaxSlices);
      const auto shallow = matrices(format, n, side_ / 8, 1, 1);
      for (const int64_t m : rows()) {
        for (const auto& [threads, pool] : pools_) {
          add_matmul(format, resident, m, threads, false);
          if (m <= kMostStreamedRows) add_matmul(format, streamed, m, threads, false);
        }
        add_matmul(format, sliced, m, 1, true);
        add_matmul(format, shallow, m, 1, false);
      }
      if (&format != kFormats.data() || options_.tiny) continue;
      for (const int count : {2, 3, 4, 6, 8}) {
        const auto some = matrices(format, n, side_, count, 1);
        for (const auto& [threads, pool] : pools_) add_matmul(format, some, 1, threads, false);
      }
    }
  }

  // What these find must be known before the matmuls': they stand first.
  void plan_prepare() {
    for (const NamedFormat& named : kFormats) {
      add_element(named.prepare, most_rows() * side_, [this, format = named.format] {
        const std::vector<int64_t> bounds{0, side_};
        const std::vector<uint8_t> merges{0};
        const KSlices slices{bounds, merges};
        const MatmulKernel& kernel = kernels().matmul[static_cast<size_t>(format)];
        const Arena::Frame frame(scratch_);
        kernel.prepare(input_.data(), side_, most_rows(), slices,
                       scratch_.take_bytes(kernel.prepared_bytes(most_rows(), slices)));
      });
    }
  }

  void add_element(const char* op, int64_t count, std::function<void()> body) {
    figures_.elements.push_back({op, 0});
    const size_t index = figures_.elements.size() - 1;
    rounds_.add([this, body = std::move(body)] { return time_of(body, options_.tiny ? 0 : kLeastSample_s); },
                [this, index, count](const Middle& time) {
                  figures_.elements[index].ns = time.value * 1e9 / static_cast<double>(count);
                });
  }

  // Rows as a pass with a few dozen tokens has them.
  void plan_elements() {
    const int64_t rows = std::min<int64_t>(32, most_rows());
    const int64_t n = rows * side_;
    const Kernels& k = kernels();
    add_element("norm", n, [=, this] {
      for (int64_t r = 0; r < rows; ++r) {
        k.rms_norm(input_.data() + r * side_, input_.data(), 1e-5F, side_, output_.data() + r * side_);
      }
    });
    add_element("add", n, [=, this] { k.add(output_.data(), input_.data(), n); });
    add_element("gate", n / 2, [=, this] { k.silu_mul(input_.data(), input_.data() + n / 2, output_.data(), n / 2); });
    add_element("copy", n, [=, this] {
      std::memcpy(output_.data(), input_.data(), static_cast<size_t>(n) * sizeof(float));
      sink_ = sink_ + static_cast<double>(output_[0]);
    });
    add_element("rope", n, [=, this] {
      for (int64_t i = 0; i < n; i += 64) k.rope(output_.data() + i, input_.data(), input_.data() + 32, 64);
    });
    auto block = std::make_shared<Buffer>(static_cast<size_t>(2 * 64 * kBlock * 2));
    add_element("store", n, [=, this] {
      for (int64_t i = 0; i < n; i += 64) {
        k.store_key(input_.data() + i, 64, DType::kBF16, block->data(), i / 64 % kBlock);
        k.store_value(input_.data() + i, 64, DType::kBF16, block->data() + 64 * kBlock * 2, i / 64 % kBlock);
      }
    });
    if (cores_ > 1) plan_sharing(rows);
    add_element("embed", n, [=, this] {
      for (int64_t r = 0; r < rows; ++r) {
        float* row = output_.data() + r * side_;
        k.widen(input_.data() + r * side_ / 2, DType::kBF16, side_, row);
        k.scale(row, 1.0F, side_);
        for (int64_t i = 0; i < side_; ++i) row[i] += 0.0F;
      }
    });
    const int64_t vocab = options_.tiny ? 512 : 32000;
    auto sampler = std::make_shared<Sampler>();
    add_element("sample", vocab, [=, this] {
      const SampleArgs args{.logits = std::span<const float>(input_).first(static_cast<size_t>(vocab)),
                            .params = {.temperature = 0}};
      sink_ = sink_ + sampler->sample(args).value().token;
    });
    const std::vector<int32_t> positions(16, 1000);
    auto rope = std::make_shared<Rope>(RopeSpec{}, 128);
    add_element("angle", 16 * 64, [=, this] { rope->fill(positions, output_.data(), output_.data() + 16 * 64); });
  }

  // What threads of one rank lose to each other: reading what another has written, and writing the keys of neighbouring
  // positions, which lie in one cache line.
  void plan_sharing(int64_t rows) {
    ThreadPool& pool = *pools_.at(cores_);
    figures_.elements.push_back({"exchange", 0});
    const size_t index = figures_.elements.size() - 1;
    const int64_t n = rows * side_;
    rounds_.add(
        [=, this, &pool] {
          double reading = 0;
          int repetitions = 0;
          for (double spent = 0; repetitions < 4 || spent < (options_.tiny ? 0 : 2 * kLeastSample_s); ++repetitions) {
            spent += time_of(
                [&] {
                  pool.parallel_for(static_cast<int>(rows), [&](int row) {
                    kernels().add(output_.data() + row * side_, input_.data(), side_);
                  });
                },
                0);
            const double seconds = time_of(
                [&] {
                  std::memcpy(copied_.data(), output_.data(), static_cast<size_t>(n) * sizeof(float));
                  sink_ = sink_ + static_cast<double>(copied_[0]);
                },
                0);
            reading += seconds;
            spent += seconds;
          }
          return reading / repetitions;
        },
        [=, this](const Middle& time) {
          const double own = std::ranges::find(figures_.elements, "copy", &ElementCost::op)->ns;
          figures_.elements[index].ns = std::max(0.0, time.low * 1e9 / static_cast<double>(n) - own);
        });
    auto block = std::make_shared<Buffer>(static_cast<size_t>(2 * 64 * kBlock * 2));
    add_element("store_shared", 64 * kBlock, [=, this, &pool] {
      pool.parallel_for(static_cast<int>(kBlock), [&](int token) {
        kernels().store_key(input_.data(), 64, DType::kBF16, block->data(), token);
        kernels().store_value(input_.data(), 64, DType::kBF16, block->data() + 64 * kBlock * 2, token);
      });
    });
  }

  // One token over one KV head whose cache lies in blocks, as the engine has it.
  void plan_attention() {
    const std::vector<int64_t> contexts = options_.tiny ? std::vector<int64_t>{64} : std::vector<int64_t>{64, 1024};
    for (const NamedCache& format : kCaches) {
      for (const int64_t dim : {64, 128}) {
        for (const int64_t group : {1, 2, 4, 8}) {
          for (const int64_t context : contexts) {
            add_attention(format, dim, group, context, false);
            add_attention(format, dim, group, context, true);
          }
        }
      }
    }
  }

  // The cache as nn/kv_cache.h has it: keys and values apart, the heads of a block side by side. streamed: every call
  // takes the next blocks of a cache that is larger than the processor's.
  void add_attention(const NamedCache& format, int64_t dim, int64_t group, int64_t context, bool streamed) {
    constexpr int64_t kHeads = 4;
    const int64_t head = kv_head_bytes(dim, format.dtype);
    const int64_t count = context / kBlock;
    const int64_t plane = streamed && !options_.tiny ? int64_t{48} << 20 : count * kHeads * head;
    auto cache = cache_of(2 * plane);
    const int64_t sets = plane / (count * kHeads * head);
    std::vector<int32_t> blocks;
    for (int64_t b = 0; b < count; ++b) blocks.push_back(static_cast<int32_t>(b));
    rounds_.add(
        [=, this, dtype = format.dtype, at = int64_t{0}]() mutable {
          return time_of(
                     [&] {
                       for (int64_t turn = 0; turn < kHeads; ++turn) {
                         const int64_t h = streamed ? turn : 0;
                         const std::byte* keys = cache->data() + at * count * kHeads * head + h * head;
                         kernels().attention({.q = input_.data(),
                                              .q_stride = 0,
                                              .tokens = 1,
                                              .heads = group,
                                              .head_dim = dim,
                                              .k = keys,
                                              .v = keys + plane,
                                              .block_stride = kHeads * head,
                                              .blocks = blocks.data(),
                                              .kv_dtype = dtype,
                                              .position = context - 1,
                                              .window = 0,
                                              .scale = 0.125F,
                                              .softcap = 0,
                                              .out = output_.data(),
                                              .out_stride = 0});
                       }
                       at = (at + 1) % sets;
                     },
                     options_.tiny ? 0 : kLeastSample_s) /
                 static_cast<double>(kHeads);
        },
        [=, this](const Middle& time) {
          figures_.attention.push_back({format.name, group, dim, streamed, context, time.value * 1e6});
        });
  }

  // One memory for all caches: what lies in it does not matter.
  std::shared_ptr<Buffer> cache_of(int64_t bytes) {
    if (!cache_) {
      cache_ = std::make_shared<Buffer>(options_.tiny ? size_t{1} << 22 : size_t{96} << 20);
      std::memset(cache_->data(), 0, cache_->size());
    }
    KERF_CHECK(static_cast<size_t>(bytes) <= cache_->size());
    return cache_;
  }

  void plan_forks() {
    for (const auto& [threads, pool] : pools_) {
      if (threads == 1) continue;
      rounds_.add(
          [this, pool = pool.get()] {
            const int n = pool->threads();
            return time_of([&] { pool->parallel_for(n, [](int) {}); }, options_.tiny ? 0 : kLeastSample_s);
          },
          [this, threads = threads](const Middle& time) {
            figures_.fork_us[static_cast<size_t>(threads) - 1] = time.low * 1e6;
          });
    }
  }

  // The scheduler, and the messages of one step of one decoding sequence.
  void plan_engine() {
    rounds_.add(
        [this] {
          const SchedulerConfig config{.max_num_seqs = 1,
                                       .max_num_batched_tokens = 16,
                                       .max_model_len = 256,
                                       .vocab_size = 1000,
                                       .num_blocks = 8,
                                       .block_size = kBlock};
          Scheduler scheduler(config);
          (void)scheduler.add({.id = 1, .prompt_ids = {1, 2, 3}, .params = {.max_tokens = 200, .ignore_eos = true}});
          int steps = 0;
          const double seconds = time_of(
              [&] {
                while (const std::optional<Step> step = scheduler.next()) {
                  const Result<Step> read = Step::deserialize(step->serialize());
                  sink_ = sink_ + (read.ok() && read->check(config.bounds()).ok() ? 1 : 0);
                  StepOutput output{.step = step->id};
                  output.rows.push_back({.slot = 0, .sampled = {.token = 5}});
                  (void)scheduler.on_output(std::move(output));
                  ++steps;
                }
              },
              0);
          return seconds / std::max(1, steps);
        },
        [this](const Middle& time) { figures_.step_us = time.value * 1e6; });
  }

  // A checkpoint is mapped and read once; here a file that the page cache holds.
  void plan_files() {
    const size_t bytes = options_.tiny ? 1 << 16 : size_t{32} << 20;
    std::error_code error;
    const std::filesystem::path dir = std::filesystem::temp_directory_path(error);
    if (error) return;
    std::string name = (dir / "kerf-probe-XXXXXX").string();
    const int fd = mkstemp(name.data());
    if (fd < 0) return;
    unlink(name.c_str());
    file_ = std::shared_ptr<const int>(new int(fd), [](const int* own) {
      close(*own);
      delete own;
    });
    const std::vector<char> zeros(bytes, 1);
    if (write(fd, zeros.data(), bytes) != static_cast<ssize_t>(bytes)) return;  // a full disk: no figure
    rounds_.add(
        [this, bytes] {
          double sum = 0;
          const double seconds = time_of(
              [&] {
                void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, *file_, 0);
                if (mapped == MAP_FAILED) return;
                const auto* words = static_cast<const uint64_t*>(mapped);
                std::array<uint64_t, 8> lanes{};
                for (size_t w = 0; w < bytes / 8; w += 8) {
                  for (size_t lane = 0; lane < 8; ++lane) lanes[lane] += words[w + lane];
                }
                for (const uint64_t lane : lanes) sum += static_cast<double>(lane & 1);
                munmap(mapped, bytes);
              },
              0);
          sink_ = sink_ + sum;
          return static_cast<double>(bytes) / seconds / 1e9;
        },
        [this](const Middle& rate) { figures_.file_gb_per_s = rate.value; });
  }

  // Numbers of threads that were not measured, from their neighbours.
  static void fill_between(std::vector<double>& by_threads) {
    size_t before = 0;
    for (size_t i = 1; i < by_threads.size(); ++i) {
      if (by_threads[i] == 0) continue;
      for (size_t j = before + 1; j < i; ++j) {
        const double at = static_cast<double>(j - before) / static_cast<double>(i - before);
        by_threads[j] = by_threads[before] + at * (by_threads[i] - by_threads[before]);
      }
      before = i;
    }
  }

  ComputeProbeOptions options_;
  int cores_;
  int64_t side_;  // K, and N of a 2-byte matrix
  Arena scratch_;
  std::vector<float> input_, output_, copied_;
  std::vector<float> source_;
  std::map<int, std::unique_ptr<ThreadPool>> pools_;
  std::shared_ptr<Buffer> cache_;
  std::shared_ptr<const int> file_;
  HostFigures figures_;
  Rounds rounds_;
  volatile double sink_ = 0;  // what is read must be used
};

}  // namespace

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

HostFigures probe_compute(const ComputeProbeOptions& options) { return ComputeProbe(options).run(); }

}  // namespace kerf
