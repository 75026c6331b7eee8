#include "kerf/io/grammar/token_masks.h"

#include <algorithm>
#include <utility>

namespace kerf {
namespace {

bool met(const Demands& demands, uint32_t count, const Counter& counter) {
  const bool has_room = counter.max == kUnlimited || (count <= counter.max && counter.max - count >= demands.room);
  const bool has_enough = demands.need == Demands::kNone || count >= counter.min || counter.min - count <= demands.need;
  return has_room && has_enough;
}

}  // namespace

TokenMasks::TokenMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie)
    : grammar_(std::move(grammar)), trie_(std::move(trie)), levels_(trie_->longest() + 1) {}

template <typename Visit>
void TokenMasks::walk(StackPool& pool, uint32_t top, const Visit& visit) {
  const std::vector<TokenTrie::Node>& nodes = trie_->nodes();
  const uint32_t end = nodes[top].end;
  const uint16_t top_depth = nodes[top].depth;
  for (uint32_t node = top + 1; node < end;) {
    const size_t depth = nodes[node].depth - top_depth;
    const std::vector<Config>& before = levels_[depth - 1];
    std::vector<Config>& after = levels_[depth];
    after.clear();
    for (const Config& config : before) {
      // Most bytes by far cannot follow, or stay inside a string.
      const Grammar::State& state = grammar_->state(config.state);
      const bool only_edge = state.num_calls == 0 && (!state.final || config.parent < 0);
      if (only_edge && grammar_->next(config.state, nodes[node].byte).target == Grammar::kNowhere) continue;
      advance(*grammar_, pool, config, nodes[node].byte, after);
    }
    if (after.empty()) {
      node = nodes[node].end;
      continue;
    }
    visit(node, after);
    ++node;
  }
}

TokenMasks::Profile TokenMasks::explore(uint32_t state) {
  Profile profile;
  profile.inside = TokenSet(trie_->num_ids());
  StackPool pool;
  const auto note_return = [&](uint32_t node, Config config) {
    if (!returns(*grammar_, pool, config)) return;
    const bool known = std::any_of(profile.returns.rbegin(), profile.returns.rend(),
                                   [&](const Return& r) { return r.node == node && r.demands == config.demands; });
    if (!known) profile.returns.push_back({node, config.demands});
  };
  const std::vector<TokenTrie::Node>& nodes = trie_->nodes();
  const Config start{.state = state, .count = 0, .parent = kOpen, .demands = {}};
  levels_[0] = {start};
  note_return(0, start);
  std::vector<Demands> seen;
  walk(pool, 0, [&](uint32_t node, const std::vector<Config>& configs) {
    const bool more_below = nodes[node].end > node + 1;
    seen.clear();
    for (const Config& config : configs) {
      if (more_below) note_return(node, config);
      if (std::find(seen.begin(), seen.end(), config.demands) == seen.end()) seen.push_back(config.demands);
    }
    for (const int32_t token : trie_->tokens_at(node)) {
      for (const Demands& demands : seen) {
        if (demands == Demands{}) {
          profile.inside.add(token);
        } else {
          (demands.need == Demands::kNone ? profile.roomy : profile.needy).push_back({token, demands});
        }
      }
    }
  });
  std::stable_sort(profile.roomy.begin(), profile.roomy.end(),
                   [](const Bounded& a, const Bounded& b) { return a.demands.room < b.demands.room; });
  TokenSet stride(trie_->num_ids());
  for (size_t i = 0; i < profile.roomy.size(); ++i) {
    stride.add(profile.roomy[i].token);
    if ((i + 1) % kStride == 0) profile.strides.push_back(stride);
  }
  return profile;
}

const TokenMasks::Profile& TokenMasks::profile_of(uint32_t state) {
  const auto found = profiles_.find(state);
  if (found != profiles_.end()) return *found->second;
  if (profile_bytes_ > kMaxBytes) {
    profiles_.clear();
    profile_bytes_ = 0;
  }
  const auto& profile = profiles_[state] = std::make_unique<const Profile>(explore(state));
  profile_bytes_ += profile->bytes();
  return *profile;
}

size_t TokenMasks::Profile::bytes() const {
  return inside.bytes() * (1 + strides.size()) + (roomy.size() + needy.size()) * sizeof(Bounded) +
         returns.size() * sizeof(Return);
}

void TokenMasks::add_bounded(const Profile& profile, const Config& config, TokenSet& allowed) const {
  const Counter& counter = grammar_->rule(grammar_->state(config.state).rule).counter;
  const auto end = std::partition_point(profile.roomy.begin(), profile.roomy.end(), [&](const Bounded& bounded) {
    return met(bounded.demands, config.count, counter);
  });
  const size_t count = static_cast<size_t>(end - profile.roomy.begin());
  const size_t strides = count / kStride;
  if (strides > 0) allowed.add(profile.strides[strides - 1]);
  for (size_t i = strides * kStride; i < count; ++i) allowed.add(profile.roomy[i].token);
  for (const Bounded& bounded : profile.needy) {
    if (met(bounded.demands, config.count, counter)) allowed.add(bounded.token);
  }
}

void TokenMasks::add_allowed(StackPool& pool, const std::vector<Config>& configs, TokenSet& allowed) {
  std::vector<Config> todo = configs;  // those that the first ones return to are added on the way
  for (size_t i = 0; i < todo.size(); ++i) {
    const Config config = todo[i];
    const Counter& counter = grammar_->rule(grammar_->state(config.state).rule).counter;
    const Profile& profile = profile_of(config.state);
    allowed.add(profile.inside);
    add_bounded(profile, config, allowed);
    if (config.parent < 0) continue;
    const StackPool::Frame frame = pool.at(config.parent);
    const Config caller{.state = frame.state, .count = frame.count, .parent = frame.parent, .demands = {}};
    for (const Return& r : profile.returns) {
      if (!met(r.demands, config.count, counter)) continue;
      if (r.node == 0) {
        if (std::find(todo.begin(), todo.end(), caller) == todo.end()) todo.push_back(caller);
        continue;
      }
      levels_[0] = {caller};
      walk(pool, r.node, [&](uint32_t node, const std::vector<Config>& /*configs*/) {
        for (const int32_t token : trie_->tokens_at(node)) allowed.add(token);
      });
    }
  }
}

}  // namespace kerf
