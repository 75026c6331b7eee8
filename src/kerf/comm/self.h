// The group of one rank.
#pragma once

#include <memory>

#include "kerf/comm/communicator.h"

namespace kerf {

[[nodiscard]] std::unique_ptr<Communicator> make_self();

}  // namespace kerf
