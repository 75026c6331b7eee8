// The rules, in groups. Each looks at one kind of mistake and appends what it finds; docs/lint.md lists the ids.
#pragma once

#include <vector>

#include "kerf/planner/advice.h"
#include "kerf/planner/judgement.h"

namespace kerf {

using Findings = std::vector<Advice>;

// Whether the command says what the engine accepts. No plan is needed.
void check_command(const AdviceSubject& subject, Findings& findings);

// Whether the shards are whole and the devices are there. A plan that fails here is judged no further.
void check_shards(const AdviceSubject& subject, Findings& findings);

// Whether weights, KV cache and context length go together.
void check_memory(const Judgement& judgement, Findings& findings);

// Whether the SLO is met, stages are even, and there are requests enough to fill them.
void check_stages(const Judgement& judgement, Findings& findings);

// Whether another cut of the same devices is faster, and why.
void check_cut(const Judgement& judgement, Findings& findings);

// What is worth knowing of the best plan there is: kerf's own. Notes.
void check_winner(const Judgement& judgement, Findings& findings);

// Which devices are used, and what joins them.
void check_devices(const Judgement& judgement, Findings& findings);

// What the engine's other settings cost.
void check_settings(const Judgement& judgement, Findings& findings);

}  // namespace kerf
