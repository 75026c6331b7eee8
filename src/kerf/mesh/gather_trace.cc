#include "kerf/mesh/gather_trace.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace kerf {

namespace {

constexpr int kRoundTrips = 8;

// What to take from a time of rank `peer` to have it on this rank's clock. Where both see the same clock, the
// estimate is within the round trip's own time of 0, and is 0.
int64_t clock_offset_ns(Communicator& all, int peer) {
  int64_t best_trip = INT64_MAX;
  int64_t offset = 0;
  for (int i = 0; i < kRoundTrips; ++i) {
    const int64_t sent = trace_now_ns();
    int64_t theirs = 0;
    all.send(ConstTensor(&sent, DType::kU8, {sizeof(sent)}), peer);
    all.recv(Tensor(&theirs, DType::kU8, {sizeof(theirs)}), peer);
    const int64_t trip = trace_now_ns() - sent;
    if (trip >= best_trip) continue;
    best_trip = trip;
    offset = theirs - (sent + trip / 2);
  }
  return std::abs(offset) <= best_trip ? 0 : offset;
}

void answer_clock(Communicator& all) {
  for (int i = 0; i < kRoundTrips; ++i) {
    int64_t asked = 0;
    all.recv(Tensor(&asked, DType::kU8, {sizeof(asked)}), 0);
    const int64_t now = trace_now_ns();
    all.send(ConstTensor(&now, DType::kU8, {sizeof(now)}), 0);
  }
}

int64_t bytes_of(int64_t events) { return events * static_cast<int64_t>(sizeof(TraceEvent)); }

TraceTrack receive_track(Communicator& all, int peer) {
  const int64_t offset = clock_offset_ns(all, peer);
  std::array<int64_t, 2> counts{};  // events, dropped
  all.recv(Tensor(counts.data(), DType::kU8, {sizeof(counts)}), peer);
  TraceTrack track;
  track.events.resize(static_cast<size_t>(counts[0]));
  track.dropped = counts[1];
  if (counts[0] > 0) all.recv(Tensor(track.events.data(), DType::kU8, {bytes_of(counts[0])}), peer);
  for (TraceEvent& event : track.events) {
    event.begin_ns -= offset;
    event.end_ns -= offset;
  }
  return track;
}

void send_track(Communicator& all, const Trace& own) {
  answer_clock(all);
  const std::vector<TraceEvent> events = own.events();
  const std::array<int64_t, 2> counts = {static_cast<int64_t>(events.size()), own.dropped()};
  all.send(ConstTensor(counts.data(), DType::kU8, {sizeof(counts)}), 0);
  if (!events.empty()) all.send(ConstTensor(events.data(), DType::kU8, {bytes_of(counts[0])}), 0);
}

}  // namespace

std::vector<TraceTrack> gather_traces(const Mesh& mesh, const Trace& own, int replica) {
  Communicator& all = *mesh.all;
  if (all.rank() != 0) {
    send_track(all, own);
    return {};
  }
  std::vector<TraceTrack> tracks;
  for (int rank = 0; rank < all.size(); ++rank) {
    TraceTrack track;
    if (rank == 0) {
      track.events = own.events();
      track.dropped = own.dropped();
    } else {
      track = receive_track(all, rank);
    }
    track.process = replica + 1;  // 0 is the front
    track.process_name = fmt::format("replica {}", replica);
    track.row = rank;
    track.row_name = fmt::format("stage {}, tp rank {}", rank / mesh.tp->size(), rank % mesh.tp->size());
    tracks.push_back(std::move(track));
  }
  return tracks;
}

}  // namespace kerf
