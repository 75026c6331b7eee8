// Replicas without a model or a process: what they answer is a function of the request, and the test says when they
// step and when they die.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kerf/serve/dispatcher.h"
#include "tests/support/manual_loop.h"

namespace kerf::testing {

// Token `index` of the answer.
inline int32_t fake_token(const Request& request, int64_t index) {
  uint64_t hash = request.params.seed + 1;
  for (const int32_t id : request.prompt_ids) hash = hash * 6364136223846793005U + static_cast<uint64_t>(id);
  return static_cast<int32_t>((hash ^ static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15U) >> 40 & 0xffff);
}

inline constexpr int32_t kPoison = 666;  // in a prompt: the replica that computes it dies

class FakeReplicas;

class FakeReplica final : public ReplicaLink {
 public:
  FakeReplica(FakeReplicas& all, size_t index, Handlers handlers)
      : all_(all), index_(index), handlers_(std::move(handlers)) {}
  ~FakeReplica() override;

  void send(const FrontMessage& message) override {
    if (const auto* add = std::get_if<AddRequest>(&message)) {
      const Request& request = add->request;
      running_[request.id] = {request, resumes ? static_cast<int64_t>(request.output_ids.size()) : 0};
    } else if (const auto* cancel = std::get_if<CancelRequest>(&message)) {
      running_.erase(cancel->request);
    } else {
      draining_ = true;
    }
  }
  void kill(std::string_view why) override { die_at_ = std::string(why); }

  void become_ready() {
    handlers_.message(ReplicaFacts{.vocab_size = 1 << 16,
                                   .max_model_len = 1000,
                                   .max_num_seqs = 4,
                                   .num_blocks = 100,
                                   .block_size = 4,
                                   .threads = 1,
                                   .pids = {1}});
    ready_ = true;
  }

  // One token for each request; or its end.
  void step() {
    if (die_at_) return die(*die_at_);
    if (!ready_) return become_ready();
    if (draining_ && running_.empty()) return die("it has left");
    ReplicaProgress progress;
    for (auto running = running_.begin(); running != running_.end();) {
      auto& [request, next] = running->second;
      if (!request.prompt_ids.empty() && request.prompt_ids[0] == kPoison) return die("poisoned");
      const int64_t prompt = static_cast<int64_t>(request.prompt_ids.size());
      TokenUpdate& update = progress.updates.emplace_back();
      update.request = request.id;
      update.position = prompt + next;
      update.token = SampledToken{.token = fake_token(request, next) + (lies ? 1 : 0)};
      const bool last = ++next >= request.params.max_tokens;
      if (last) update.finish = FinishReason::kLength;
      running = last ? running_.erase(running) : std::next(running);
    }
    handlers_.message(std::move(progress));
  }

  void die(const std::string& why);

  [[nodiscard]] size_t index() const { return index_; }
  [[nodiscard]] size_t num_running() const { return running_.size(); }
  bool resumes = true;  // else it begins again
  bool lies = false;

 private:
  FakeReplicas& all_;
  size_t index_;
  Handlers handlers_;
  std::map<RequestId, std::pair<Request, int64_t>> running_;  // and the next token's index
  std::optional<std::string> die_at_;
  bool draining_ = false;
  bool ready_ = false;
};

class FakeReplicas {
 public:
  [[nodiscard]] StartReplica starter() {
    return [this](size_t index, ReplicaLink::Handlers handlers) {
      auto replica = std::make_unique<FakeReplica>(*this, index, std::move(handlers));
      replica->resumes = resumes;
      alive_[index] = replica.get();
      ++starts;
      return replica;
    };
  }
  // nullptr: it is not running.
  [[nodiscard]] FakeReplica* at(size_t index) { return alive_[index]; }
  void step_all() {
    for (size_t i = 0; i < alive_.size(); ++i) {
      if (alive_[i] != nullptr) alive_[i]->step();
    }
    loop.advance(std::chrono::milliseconds(10));
  }
  void gone(size_t index) { alive_[index] = nullptr; }

  ManualLoop loop;
  bool resumes = true;
  int starts = 0;

 private:
  std::map<size_t, FakeReplica*> alive_;
};

inline FakeReplica::~FakeReplica() { all_.gone(index_); }

inline void FakeReplica::die(const std::string& why) {
  const auto handlers = handlers_;
  handlers.lost(why);
  handlers.gone();  // destroys this
}

}  // namespace kerf::testing
