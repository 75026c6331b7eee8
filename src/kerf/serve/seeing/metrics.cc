#include "kerf/serve/seeing/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <utility>

#include "kerf/base/check.h"
#include "kerf/serve/seeing/buckets.h"
#include "kerf/serve/seeing/process_stats.h"

namespace kerf {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

constexpr std::array kPaths = {"/",
                               "/health",
                               "/metrics",
                               "/status.json",
                               "/tokenize",
                               "/detokenize",
                               "/v1/models",
                               "/v1/models/*",
                               "/version",
                               "/live",
                               "/health/live",
                               "/v1/completions",
                               "/v1/chat/completions"};
constexpr std::array kReasons = {FinishReason::kStop, FinishReason::kLength, FinishReason::kAbort,
                                 FinishReason::kError};

// A labelled series; the same name and labels give the same one.
class Maker {
 public:
  Maker(prometheus::Registry& registry, Labels labels) : registry_(registry), labels_(std::move(labels)) {}

  Gauge* gauge(const std::string& name, const std::string& help, const Labels& more = {}) const {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(with(more));
  }
  Counter* counter(const std::string& name, const std::string& help, const Labels& more = {}) const {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(with(more));
  }
  Histogram* histogram(const std::string& name, const std::string& help, const Buckets& buckets) const {
    return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels_, buckets);
  }

 private:
  [[nodiscard]] Labels with(Labels more) const {
    more.insert(labels_.begin(), labels_.end());
    return more;
  }
  prometheus::Registry& registry_;
  Labels labels_;
};

// Raises a counter by what a sum has grown since it was last told; a sum that is smaller has begun anew.
void follow(Counter* counter, double& last, double sum) {
  if (sum < last) last = 0;
  counter->Increment(sum - last);
  last = sum;
}

}  // namespace

// What is the front's own. The process's series carry no label, as everywhere.
struct Metrics::Server {
  explicit Server(prometheus::Registry& to, const std::string& model_name)
      : registry(to),
        model(model_name),
        queue_depth(Maker(to, {{"model_name", model}})
                        .gauge("kerf:queue_depth", "Requests that the server has taken and no replica has yet.")),
        cpu(Maker(to, {}).counter("process_cpu_seconds_total", "User and system CPU time of the front, in seconds.")),
        resident(Maker(to, {}).gauge("process_resident_memory_bytes", "Resident memory of the front, in bytes.")),
        mapped(Maker(to, {}).gauge("process_virtual_memory_bytes", "Virtual memory of the front, in bytes.")),
        open_fds(Maker(to, {}).gauge("process_open_fds", "Open file descriptors of the front.")),
        max_fds(Maker(to, {}).gauge("process_max_fds", "Most file descriptors that the front may open.")),
        start(Maker(to, {}).gauge("process_start_time_seconds", "When the front started, in seconds since 1970.")) {}

  Counter* http(const std::string& path, int code) const {
    return Maker(registry, {{"model_name", model}})
        .counter("kerf:http_requests_total", "HTTP requests answered, by path and status code.",
                 {{"path", path}, {"code", std::to_string(code)}});
  }

  void refresh() {
    const ProcessStats stats = read_process_stats();
    follow(cpu, last_cpu, stats.cpu_s);
    resident->Set(static_cast<double>(stats.resident_bytes));
    mapped->Set(static_cast<double>(stats.virtual_bytes));
    open_fds->Set(static_cast<double>(stats.open_fds));
    max_fds->Set(static_cast<double>(stats.max_fds));
    start->Set(stats.start_time_s);
  }

  prometheus::Registry& registry;
  std::string model;
  Gauge* queue_depth;
  Counter* cpu;
  Gauge *resident, *mapped, *open_fds, *max_fds, *start;
  double last_cpu = 0;
};

// The series of one replica.
struct Metrics::Engine {
  Engine(prometheus::Registry& registry, const MetricsConfig& config, int index) {
    const Maker make(registry, {{"model_name", config.model_name}, {"engine", std::to_string(index)}});
    const Buckets tokens = count_buckets(config.max_model_len);

    running = make.gauge("vllm:num_requests_running", "Requests in model execution batches.");
    waiting = make.gauge("vllm:num_requests_waiting", "Requests waiting to be processed.");
    kv_usage = make.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.");
    prefix_queries = make.counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in tokens.");
    prefix_hits = make.counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in tokens.");
    preemptions = make.counter("vllm:num_preemptions_total", "Preemptions of requests.");
    prompt_tokens = make.counter("vllm:prompt_tokens_total", "Prompt tokens of requests whose answer has begun.");
    cached_tokens = make.counter("vllm:prompt_tokens_cached_total", "Of these, tokens from the prefix cache.");
    generation_tokens = make.counter("vllm:generation_tokens_total", "Tokens generated.");
    for (const FinishReason reason : kReasons) {
      success[reason] = make.counter("vllm:request_success_total", "Requests that have ended, by reason.",
                                     {{"finished_reason", std::string(name_of(reason))}});
    }
    iteration_tokens = make.histogram("vllm:iteration_tokens_total", "Tokens per engine step.", kStepTokenBuckets);
    first_token = make.histogram("vllm:time_to_first_token_seconds", "Time to the first token.", kFirstTokenBuckets);
    token_gap = make.histogram("vllm:inter_token_latency_seconds", "Time from one token to the next.", kTokenBuckets);
    token_gap_old = make.histogram("vllm:time_per_output_token_seconds",
                                   "The name of vllm:inter_token_latency_seconds in vLLM before 0.11.", kTokenBuckets);
    tpot = make.histogram("vllm:request_time_per_output_token_seconds",
                          "Mean time per token after the first, of each request.", kTokenBuckets);
    e2e = make.histogram("vllm:e2e_request_latency_seconds", "Time from a request's arrival to its end.",
                         kRequestBuckets);
    queue = make.histogram("vllm:request_queue_time_seconds", "Time that requests waited.", kRequestBuckets);
    prefill = make.histogram("vllm:request_prefill_time_seconds", "Time from a request's start to its first token.",
                             kRequestBuckets);
    decode = make.histogram("vllm:request_decode_time_seconds", "Time from a request's first token to its last.",
                            kRequestBuckets);
    inference = make.histogram("vllm:request_inference_time_seconds", "Time from a request's start to its last token.",
                               kRequestBuckets);
    request_prompt = make.histogram("vllm:request_prompt_tokens", "Prompt tokens of each request.", tokens);
    request_output = make.histogram("vllm:request_generation_tokens", "Generated tokens of each request.", tokens);
    request_max = make.histogram("vllm:request_params_max_tokens", "The max_tokens of each request.", tokens);
    request_n = make.histogram("vllm:request_params_n", "The n of each request.", kAnswerBuckets);
    blocks_cached = make.gauge("kerf:kv_blocks_cached", "KV blocks kept for the prefix cache, free on demand.");
    for (size_t op = 0; op < kCommOps; ++op) {
      comm[op] = make.counter("kerf:comm_seconds_total", "Seconds of ranks in communication, waiting included, by op.",
                              {{"op", std::string(name_of(static_cast<CommOp>(op)))}});
    }
    comm_fraction = make.gauge("kerf:comm_fraction", "Share of the ranks' time in communication, last 15 seconds.");
    bubble_fraction = make.gauge("kerf:bubble_fraction",
                                 "Share of the ranks' time without a step while there was work, last 15 seconds.");
    step = make.histogram("kerf:step_seconds", "Time of a stage for a step.", kStepBuckets);
    predicted_step =
        make.histogram("kerf:predicted_step_seconds",
                       "The planner's prediction for each of the steps in kerf:step_seconds.", kStepBuckets);
    restarts = make.counter("kerf:replica_restarts_total", "Restarts of the replica.");
    up = make.gauge("kerf:replica_up", "1 while the replica takes requests.");
    resumed = make.counter("kerf:resumed_requests_total", "Requests that went on here after their replica was lost.");
  }

  Gauge *running, *waiting, *kv_usage, *blocks_cached, *comm_fraction, *bubble_fraction, *up;
  Counter *prefix_queries, *prefix_hits, *preemptions, *prompt_tokens, *cached_tokens, *generation_tokens, *restarts,
      *resumed;
  std::map<FinishReason, Counter*> success;
  std::array<Counter*, kCommOps> comm{};
  Histogram *iteration_tokens, *first_token, *token_gap, *token_gap_old, *tpot, *e2e, *queue, *prefill, *decode,
      *inference, *request_prompt, *request_output, *request_max, *request_n, *step, *predicted_step;

  // Sums as last reported.
  double last_queries = 0, last_hits = 0, last_preemptions = 0;
  std::array<double, kCommOps> last_comm{};
  ShareWindow window;
};

Metrics::Metrics(const MetricsConfig& config)
    : registry_(std::make_unique<prometheus::Registry>()),
      server_(std::make_unique<Server>(*registry_, config.model_name)) {
  for (int i = 0; i < config.replicas; ++i) engines_.push_back(std::make_unique<Engine>(*registry_, config, i));
  server_->http("/v1/chat/completions", 200);  // from the start, so that a rate over it is 0 and not nothing
  server_->http("/v1/completions", 200);
}
Metrics::~Metrics() = default;
Metrics::Metrics(Metrics&&) noexcept = default;

void Metrics::on_first_token(const RequestLife& life) {
  Engine& to = engine(life.replica);
  to.first_token->Observe(life.ttft_s());
  to.prompt_tokens->Increment(static_cast<double>(life.facts.prompt_tokens));
  to.cached_tokens->Increment(static_cast<double>(life.cached_tokens));
  to.generation_tokens->Increment();
}

void Metrics::on_tokens(int replica, int64_t tokens, double since_last_s) {
  Engine& to = engine(replica);
  to.generation_tokens->Increment(static_cast<double>(tokens));
  for (int64_t i = 0; i < tokens; ++i) {
    to.token_gap->Observe(since_last_s / static_cast<double>(tokens));
    to.token_gap_old->Observe(since_last_s / static_cast<double>(tokens));
  }
}

void Metrics::on_finished(const RequestLife& life) {
  Engine& to = engine(life.replica);
  to.success.at(life.finish)->Increment();
  to.e2e->Observe(life.finished_s - life.queued_s);
  to.queue->Observe((life.scheduled_s > 0 ? life.scheduled_s : life.finished_s) - life.queued_s);
  to.request_prompt->Observe(static_cast<double>(life.facts.prompt_tokens));
  to.request_output->Observe(static_cast<double>(life.output_tokens));
  to.request_max->Observe(static_cast<double>(life.facts.max_tokens));
  to.request_n->Observe(life.facts.n);
  if (life.output_tokens == 0) return;
  to.prefill->Observe(life.first_token_s - life.scheduled_s);
  to.decode->Observe(life.last_token_s - life.first_token_s);
  to.inference->Observe(life.last_token_s - life.scheduled_s);
  if (life.output_tokens > 1) to.tpot->Observe(life.tpot_s());
}

void Metrics::on_resumed(int replica) { engine(replica).resumed->Increment(); }

void Metrics::on_queue_depth(int64_t requests) { server_->queue_depth->Set(static_cast<double>(requests)); }

void Metrics::on_http(std::string_view path, int code) {
  if (path.starts_with("/v1/models/")) path = "/v1/models/*";
  const bool known = std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end();
  const bool valid = code >= 100 && code <= 599;  // what a client chooses must not grow the document
  server_->http(known ? std::string(path) : "other", valid ? code : 0)->Increment();
}

void Metrics::on_report(int replica, const ReplicaReport& report, double now_s) {
  Engine& to = engine(replica);
  const auto blocks = static_cast<double>(report.blocks_used + report.blocks_cached + report.blocks_free);
  to.running->Set(static_cast<double>(report.running));
  to.waiting->Set(static_cast<double>(report.waiting));
  to.kv_usage->Set(blocks > 0 ? static_cast<double>(report.blocks_used) / blocks : 0);
  to.blocks_cached->Set(static_cast<double>(report.blocks_cached));
  follow(to.prefix_queries, to.last_queries, static_cast<double>(report.prefix_queries));
  follow(to.prefix_hits, to.last_hits, static_cast<double>(report.prefix_hits));
  follow(to.preemptions, to.last_preemptions, static_cast<double>(report.preemptions));
  for (size_t op = 0; op < kCommOps; ++op) follow(to.comm[op], to.last_comm[op], report.comm_s[op]);
  for (const StepRecord& record : report.steps) {
    if (record.rank == 0) to.iteration_tokens->Observe(static_cast<double>(record.tokens));
    to.step->Observe(record.end_s - record.begin_s);
    if (record.predicted_s > 0) to.predicted_step->Observe(record.predicted_s);
  }
  to.window.add(report, now_s);
  const TimeShares now = to.window.shares();
  to.comm_fraction->Set(now.comm);
  to.bubble_fraction->Set(now.bubble);
}

void Metrics::on_state(int replica, ReplicaState state) {
  Engine& to = engine(replica);
  to.up->Set(state == ReplicaState::kReady ? 1 : 0);
  if (state != ReplicaState::kDown) return;
  for (Gauge* gauge : {to.running, to.waiting, to.kv_usage, to.blocks_cached, to.comm_fraction, to.bubble_fraction}) {
    gauge->Set(0);
  }
  to.last_queries = to.last_hits = to.last_preemptions = 0;
  to.last_comm = {};
  to.window.clear();
}

void Metrics::on_cache(int replica, int64_t block_size, int64_t num_blocks) {
  Maker(server_->registry, {{"model_name", server_->model}, {"engine", std::to_string(replica)}})
      .gauge("vllm:cache_config_info", "The KV cache's blocks.",
             {{"block_size", std::to_string(block_size)}, {"num_gpu_blocks", std::to_string(num_blocks)}})
      ->Set(1);
}

void Metrics::on_restart(int replica) { engine(replica).restarts->Increment(); }

TimeShares Metrics::shares(int replica) const { return engine(replica).window.shares(); }

std::string Metrics::text() {
  server_->refresh();
  std::vector<prometheus::MetricFamily> families = registry_->Collect();
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(families.begin(), families.end(), by_name);
  for (prometheus::MetricFamily& family : families) {
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

Metrics::Engine& Metrics::engine(int replica) const {
  KERF_CHECK(replica >= 0 && static_cast<size_t>(replica) < engines_.size(), "no such replica");
  return *engines_[static_cast<size_t>(replica)];
}

}  // namespace kerf
