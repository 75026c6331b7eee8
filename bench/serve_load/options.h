// What serve_load is asked to do.
#pragma once

#include <cstdint>
#include <string>

namespace kerf::load {

struct Options {
  std::string host = "127.0.0.1";
  std::string port = "8000";
  std::string model;  // name in the requests; empty: none, which means the only one
  std::string api_key;
  int64_t clients = 16;
  int64_t requests = 64;
  int64_t input = 64;         // tokens of each prompt
  int64_t output = 64;        // tokens of each answer
  std::string trace;          // CSV with ContextTokens and GeneratedTokens: lengths from there instead
  double scale = 1;           // of the trace's lengths
  int64_t longest = 1024;     // tokens of prompt and answer together; longer ones of the trace are cut
  int64_t shared_prefix = 0;  // first tokens that all prompts have in common, of `input`
  bool text = false;          // prompts as text of about `input` tokens in place of ids
  int64_t vocab = 32000;      // ids are drawn from [vocab / 2, vocab): no control tokens there
  int64_t idle = 0;           // connections that stay open after a streamed answer of one token
  uint64_t seed = 1;
  double timeout_s = 120;  // longest wait for the next piece of an answer
  double slo_ttft_ms = 0;  // 0 = none
  double slo_tpot_ms = 0;
  bool json = false;
  bool samples = false;  // JSON: every request's figures too
};

}  // namespace kerf::load
