// Where people and programs look at a server: /, /status.json and /metrics.
#pragma once

#include "kerf/serve/http/router.h"
#include "kerf/serve/seeing/observer.h"

namespace kerf {

// Open to whoever reaches the port, as vLLM's /metrics is: a browser has no key to send, and there is nothing of any
// prompt in them. The observer outlives the router.
void add_seeing_routes(Router& router, Observer& observer);

}  // namespace kerf
