#include "kerf/io/grammar/regex.h"

#include "kerf/io/grammar/json_text.h"
#include "kerf/io/grammar/regex_parser.h"

namespace kerf {
namespace {

constexpr size_t kMaxNfaStates = 200'000;  // some 20 MB

// Past the limit it adds nothing more, so that {1000} in {1000} in {1000} ends at once.
class Emitter {
 public:
  explicit Emitter(Nfa& nfa) : nfa_(nfa) {}

  Nfa::State emit(Nfa::State from, const RegexNode& node) {
    if (too_large()) return from;
    switch (node.kind) {
      case RegexNode::Kind::kSet: {
        const Nfa::State to = nfa_.add();
        json_character(nfa_, from, to, node.set, kCounts);
        return to;
      }
      case RegexNode::Kind::kSequence:
        for (const RegexNode& child : node.children) from = emit(from, child);
        return from;
      case RegexNode::Kind::kAlternatives: {
        const Nfa::State to = nfa_.add();
        for (const RegexNode& child : node.children) nfa_.skip(emit(from, child), to);
        return to;
      }
      case RegexNode::Kind::kRepeat: return repeat(from, node);
    }
    return from;
  }

  [[nodiscard]] bool too_large() const { return nfa_.size() > kMaxNfaStates; }

 private:
  Nfa::State repeat(Nfa::State from, const RegexNode& node) {
    const RegexNode& child = node.children[0];
    for (int i = 0; i < node.min && !too_large(); ++i) from = emit(from, child);
    const Nfa::State to = nfa_.add();
    if (node.max < 0) {
      const Nfa::State loop = nfa_.add();  // a state of its own: a loop inside `from` would leak out of it
      nfa_.skip(from, loop);
      nfa_.skip(emit(loop, child), loop);
      nfa_.skip(loop, to);
      return to;
    }
    for (int i = node.min; i < node.max && !too_large(); ++i) {
      nfa_.skip(from, to);
      from = emit(from, child);
    }
    nfa_.skip(from, to);
    return to;
  }

  Nfa& nfa_;
};

}  // namespace

Result<RegexNode> parse_regex(std::string_view pattern) { return RegexParser(pattern).parse(); }

Result<Nfa::State> regex_in_json_string(Nfa& nfa, Nfa::State from, const RegexNode& regex) {
  Emitter emitter(nfa);
  const Nfa::State to = emitter.emit(from, regex);
  if (emitter.too_large()) return Error{"it is too large; bound its repetitions more tightly"};
  return to;
}

}  // namespace kerf
