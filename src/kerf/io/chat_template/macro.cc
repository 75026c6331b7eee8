// Macros: {% macro %} and the bodies of {% call %}.
#include <algorithm>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/evaluator.h"
#include "kerf/io/chat_template/symbol_table.h"

namespace kerf::jinja {

namespace {

class Macro : public Object {
 public:
  Macro(Evaluator& evaluator, const MacroDef& definition, std::shared_ptr<Scope> closure)
      : evaluator_(evaluator), definition_(definition), closure_(std::move(closure)) {}

  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  [[nodiscard]] std::string repr(Runtime&) const override { return fmt::format("<Macro '{}'>", definition_.name); }
  [[nodiscard]] std::optional<Value> attr(Runtime& rt, std::string_view name) override {
    return name == "name" ? std::optional(rt.text(definition_.name)) : std::nullopt;
  }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime&, const Args& args) override { return evaluator_.call_macro(definition_, closure_, args); }
  void clear() override { closure_.reset(); }

 private:
  Evaluator& evaluator_;
  const MacroDef& definition_;
  std::shared_ptr<Scope> closure_;
};

// Moves the argument `name` out of `named` to `parameter`; false when it is not there.
bool take(std::vector<std::pair<std::string, Value>>& named, std::string_view name, Scope& scope, Symbol parameter) {
  const auto at = std::find_if(named.begin(), named.end(), [&](const auto& entry) { return entry.first == name; });
  if (at == named.end()) return false;
  scope.set(parameter, std::move(at->second));
  named.erase(at);
  return true;
}

}  // namespace

Value Evaluator::make_macro(const MacroDef& macro) {
  return std::shared_ptr<Object>(rt_.adopt(std::make_shared<Macro>(*this, macro, scope_)));
}

void Evaluator::bind_parameters(const MacroDef& macro, const Args& args, Scope& scope) {
  const auto& parameters = macro.signature.parameters;
  const size_t first_default = parameters.size() - macro.signature.defaults.size();
  auto named = args.named;
  bool has_caller = false;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = program_.symbols[parameters[i]];
    has_caller = has_caller || parameters[i] == kCallerSymbol;
    if (i < args.positional.size()) {
      scope.set(parameters[i], args.positional[i]);
    } else if (take(named, name, scope, parameters[i])) {
      continue;
    } else if (i >= first_default) {
      scope.set(parameters[i], eval(*macro.signature.defaults[i - first_default]));
    } else {
      scope.set(parameters[i], undefined(fmt::format("parameter '{}' was not provided", name)));
    }
  }
  if (macro.uses_caller && !has_caller && !take(named, "caller", scope, kCallerSymbol)) {
    scope.set(kCallerSymbol, undefined("No caller defined"));
  }
  if (macro.uses_kwargs) {
    const auto rest = rt_.dict();
    for (auto& [name, value] : named) rest->set(rt_.text(name), std::move(value));
    scope.set(kKwargsSymbol, Ref<Dict>(rest));
  } else if (!named.empty()) {
    raise("macro '{}' takes no keyword argument '{}'", macro.name, named.front().first);
  }
  if (macro.uses_varargs) {
    const size_t taken = std::min(parameters.size(), args.positional.size());
    scope.set(kVarargsSymbol,
              rt_.tuple({args.positional.begin() + static_cast<std::ptrdiff_t>(taken), args.positional.end()}));
  } else if (args.positional.size() > parameters.size()) {
    raise("macro '{}' takes not more than {} argument(s)", macro.name, parameters.size());
  }
}

}  // namespace kerf::jinja
