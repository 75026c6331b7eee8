#include "kerf/base/trace.h"

#include <gtest/gtest.h>

#include "kerf/base/trace_json.h"

namespace kerf {
namespace {

std::string lines_of(const TraceTrack& track) {
  std::string text;
  const Status status = write_trace_lines(track, [&](std::string_view part) {
    text += part;
    return Status(Ok{});
  });
  EXPECT_TRUE(status.ok());
  return text;
}

TEST(Trace, KeepsTheNewestEventsInOrderAndSaysHowManyAreGone) {
  Trace trace(4);
  for (int i = 0; i < 10; ++i) {
    trace.set_step(i);
    trace.add("step", "", i * 100, i * 100 + 50, i);
  }
  const std::vector<TraceEvent> events = trace.events();
  ASSERT_EQ(events.size(), 4U);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(events[static_cast<size_t>(i)].step, 6 + i);
    EXPECT_EQ(events[static_cast<size_t>(i)].begin_ns, (6 + i) * 100);
  }
  EXPECT_EQ(trace.dropped(), 6);
}

TEST(Trace, ASpanCoversItsScopeAndANullTraceRecordsNothing) {
  Trace trace(8);
  {
    const TraceSpan outer(&trace, "outer", 7);
    const TraceSpan inner(&trace, "inner");
    const TraceSpan nowhere(nullptr, "nowhere");
  }
  const std::vector<TraceEvent> events = trace.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_STREQ(events[0].name.data(), "inner");  // ends first
  EXPECT_STREQ(events[1].name.data(), "outer");
  EXPECT_EQ(events[1].amount, 7);
  EXPECT_LE(events[1].begin_ns, events[0].begin_ns);
  EXPECT_LE(events[0].end_ns, events[1].end_ns);
}

TEST(Trace, LongNamesAreCutNotOverrun) {
  Trace trace(1);
  trace.add(std::string(100, 'n'), std::string(100, 'g'), 0, 1, 0);
  EXPECT_EQ(std::string(trace.events()[0].name.data()), std::string(15, 'n'));
  EXPECT_EQ(std::string(trace.events()[0].group.data()), std::string(7, 'g'));
}

TEST(TraceJson, ALineHoldsWhatAViewerShows) {
  TraceTrack track{.process = 1, .process_name = "replica 0", .row = 3, .row_name = "stage 1, tp rank 1"};
  Trace trace(2);
  trace.set_step(5);
  trace.add("all_reduce", "tp", 1'234'567, 1'240'067, 8192);
  track.events = trace.events();
  EXPECT_NE(lines_of(track).find(R"({"ph":"X","pid":1,"tid":3,"cat":"communication","name":"all_reduce","ts":1234.567,)"
                                 R"("dur":5.500,"args":{"step":5,"group":"tp","bytes":8192}},)"
                                 "\n"),
            std::string::npos);
}

TEST(TraceJson, TheFirstErrorEndsTheWriting) {
  TraceTrack track;
  track.events.resize(100'000);
  int parts = 0;
  const Status status = write_trace_lines(track, [&](std::string_view) -> Status {
    ++parts;
    return fail("the disk is full");
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "the disk is full");
  EXPECT_EQ(parts, 1);
}

TEST(TraceJson, AnyNameIsText) { EXPECT_EQ(json_text("a\"b\\c\n\x80"), "a\\\"b\\\\c\\u000a\\ufffd"); }

}  // namespace
}  // namespace kerf
