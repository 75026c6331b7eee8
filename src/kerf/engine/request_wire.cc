#include "kerf/engine/request_wire.h"

#include <bit>
#include <limits>

namespace kerf {

namespace {

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();

}  // namespace

void write_ids(WireWriter& out, std::span<const int32_t> ids) {
  out.u64(ids.size());
  for (const int32_t id : ids) out.i64(id);
}

void read_ids(WireReader& in, std::vector<int32_t>& ids) {
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    ids.push_back(in.i32_in(std::numeric_limits<int32_t>::min(), kMaxInt));
  }
}

void write_params(WireWriter& out, const SamplingParams& params) {
  for (const double x : {params.temperature, params.top_p, params.min_p, params.repetition_penalty,
                         params.frequency_penalty, params.presence_penalty}) {
    out.f64(x);
  }
  out.i64(params.top_k);
  out.u64(params.seed);
  out.i64(params.logprobs);
  out.u64(params.logit_bias.size());
  for (const auto& [token, bias] : params.logit_bias) {
    out.i64(token);
    out.u64(std::bit_cast<uint32_t>(bias));
  }
  out.i64(params.min_tokens);
  out.text(params.grammar);
  out.i64(params.max_tokens);
  out.u64(params.stop.size());
  for (const std::string& stop : params.stop) out.text(stop);
  write_ids(out, params.stop_token_ids);
  out.i64(params.ignore_eos ? 1 : 0);
}

SamplingParams read_params(WireReader& in) {
  SamplingParams params;
  for (double* x : {&params.temperature, &params.top_p, &params.min_p, &params.repetition_penalty,
                    &params.frequency_penalty, &params.presence_penalty}) {
    *x = in.f64();
  }
  params.top_k = in.i32_in(-1, kMaxInt);
  params.seed = in.u64();
  params.logprobs = in.i32_in(-1, kMaxLogprobs);
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    const int32_t token = in.i32_in(0, kMaxInt);
    const uint64_t bits = in.u64();
    if (bits > std::numeric_limits<uint32_t>::max()) in.reject("a logit bias is no f32");
    params.logit_bias.emplace_back(token, std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  params.min_tokens = in.i64();
  params.grammar = in.text();
  params.max_tokens = in.i64();
  for (size_t n = in.length(); n > 0 && in.ok(); --n) params.stop.push_back(in.text());
  read_ids(in, params.stop_token_ids);
  params.ignore_eos = in.flag();
  if (const Status valid = params.validate(); in.ok() && !valid.ok()) in.reject(valid.error().message);
  return params;
}

void write_request(WireWriter& out, const Request& request) {
  out.i64(request.id);
  write_ids(out, request.prompt_ids);
  write_params(out, request.params);
  out.i64(request.score ? 1 : 0);
  write_ids(out, request.output_ids);
  out.i64(request.priority);
  out.u64(request.tenant);
}

Request read_request(WireReader& in) {
  Request request;
  request.id = in.i64();
  read_ids(in, request.prompt_ids);
  request.params = read_params(in);
  request.score = in.flag();
  read_ids(in, request.output_ids);
  request.priority = in.i32_in(std::numeric_limits<int32_t>::min(), kMaxInt);
  request.tenant = in.u64();
  return request;
}

void write_sampled_token(WireWriter& out, const SampledToken& sampled) {
  out.i64(sampled.token);
  out.f64(sampled.logprob);
  out.u64(sampled.top.size());
  for (const TokenLogprob& top : sampled.top) {
    out.i64(top.token);
    out.f64(top.logprob);
  }
}

SampledToken read_sampled_token(WireReader& in) {
  SampledToken sampled;
  sampled.token = in.i32_in(0, kMaxInt);
  sampled.logprob = in.f64();
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    TokenLogprob& top = sampled.top.emplace_back();
    top.token = in.i32_in(0, kMaxInt);
    top.logprob = in.f64();
  }
  return sampled;
}

}  // namespace kerf
