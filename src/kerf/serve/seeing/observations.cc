#include "kerf/serve/seeing/observations.h"

namespace kerf {

std::string_view name_of(ReplicaState state) {
  switch (state) {
    case ReplicaState::kStarting: return "starting";
    case ReplicaState::kReady: return "ready";
    case ReplicaState::kDraining: return "draining";
    case ReplicaState::kDown: break;
  }
  return "down";
}

}  // namespace kerf
