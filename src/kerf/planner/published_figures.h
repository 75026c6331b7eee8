// What the field measured of devices and fabrics: the part of the catalogue that the cost model rests on.
#pragma once

#include <memory>

#include "kerf/base/result.h"
#include "kerf/planner/efficiency.h"
#include "kerf/planner/fabrics.h"

namespace kerf {

struct PublishedFigures {
  EfficiencyCatalog efficiencies;
  FabricCatalog fabrics;

  // Fails when the files of the catalogue (KERF_CATALOG) are wrong.
  static Result<PublishedFigures> read() {
    KERF_TRY(EfficiencyCatalog efficiencies, EfficiencyCatalog::read());
    KERF_TRY(FabricCatalog fabrics, FabricCatalog::read());
    return PublishedFigures{std::move(efficiencies), std::move(fabrics)};
  }
};

}  // namespace kerf
