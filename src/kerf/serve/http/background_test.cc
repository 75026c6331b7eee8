#include "kerf/serve/http/background.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace kerf {
namespace {

TEST(Background, WorksElsewhereInOrderAndComesBack) {
  boost::asio::io_context loop;
  const std::unique_ptr<Background> background = make_background(loop);
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> worked;
  std::vector<int> came_back;
  for (int i = 0; i < 100; ++i) {
    background->run(
        [&, i] {
          EXPECT_NE(std::this_thread::get_id(), here);
          worked.push_back(i);
        },
        [&, i] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          came_back.push_back(i);
        });
  }
  loop.run();  // until all came back: work that is under way keeps the loop
  EXPECT_EQ(came_back.size(), 100U);
  EXPECT_TRUE(std::is_sorted(came_back.begin(), came_back.end()));
  EXPECT_EQ(worked, came_back);
}

TEST(Background, DropsWhatHasNotBegun) {
  boost::asio::io_context loop;
  const auto held = std::make_shared<int>(0);
  auto background = make_background(loop);
  for (int i = 0; i < 100; ++i) background->run([held] { std::this_thread::yield(); }, [held] { ++*held; });
  background.reset();
  loop.restart();
  loop.run();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace kerf
