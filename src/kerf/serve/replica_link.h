// ReplicaLink: one life of a replica, from its start to its end, as the front sees it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kerf/serve/replica_messages.h"

namespace kerf {

// Threading: the front's event loop, from which alone the handlers are called.
class ReplicaLink {
 public:
  struct Handlers {
    // The first one is ReplicaFacts; none comes after `lost`.
    std::function<void(ReplicaMessage message)> message;
    // Once: it died, hangs, or was told to end. What it had under way is to be done elsewhere.
    std::function<void(const std::string& why)> lost;
    // Once, after `lost`: none of it is left, and the link may be destroyed, here too.
    std::function<void()> gone;
  };

  virtual ~ReplicaLink() = default;
  ReplicaLink(const ReplicaLink&) = delete;
  ReplicaLink& operator=(const ReplicaLink&) = delete;

  // REQUIRES: it has told its facts. What cannot be sent any more is not; `lost` comes.
  virtual void send(const FrontMessage& message) = 0;

  // Ends it at once, and everything that belongs to it.
  virtual void kill(std::string_view why) = 0;

 protected:
  ReplicaLink() = default;
};

}  // namespace kerf
