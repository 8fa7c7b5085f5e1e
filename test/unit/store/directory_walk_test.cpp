// What a listing of a directory store reads.
// Starts no thread.
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/base/unique_fd.h"
#include "core/store/directory.h"
#include "unit/store/directory_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr int kDirectories = 40;
constexpr int kFilesInEach = 100;

class DirectoryWalk : public test::DirectoryFixture<> {
 protected:
  void SetUp() override {
    store_ = std::move(DirectoryStore::Open(root_, true)).value();
    watch_ = UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    ASSERT_TRUE(watch_.ok());
    for (int d = 0; d < kDirectories; d++) {
      fs::create_directories((root_ / Key(d, 0)).parent_path());
      for (int f = 0; f < kFilesInEach; f++) std::ofstream(root_ / Key(d, f)) << "x";
      const int id = inotify_add_watch(watch_.get(), (root_ / Key(d, 0)).parent_path().c_str(), IN_ACCESS | IN_ONLYDIR);
      ASSERT_GE(id, 0);
      numbers_[id] = d;
    }
  }
  static std::string Key(int directory, int file) {
    char key[32];
    snprintf(key, sizeof key, "wal/1/%02d/%02d/%03d", directory / 8, directory, file);
    return key;
  }
  // Which of the directories were read since it was asked last.
  std::set<int> Read() {
    std::set<int> read_ones;
    alignas(inotify_event) char events[4096];
    for (ssize_t n; (n = read(watch_.get(), events, sizeof events)) > 0;)
      for (const char* at = events; at < events + n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        read_ones.insert(numbers_.at(event->wd));
        at += sizeof *event + event->len;
      }
    return read_ones;
  }
  ListPage List(const std::string& prefix, const std::string& after) {
    auto page = store_->List(prefix, after, {});
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    return page.ok() ? std::move(page).value() : ListPage{};
  }

  std::unique_ptr<DirectoryStore> store_;
  UniqueFd watch_;
  std::map<int, int> numbers_;  // by watch
};

TEST_F(DirectoryWalk, APageReadsTheDirectoriesThatItTakesFrom) {
  std::string after;
  std::vector<std::string> keys;
  for (bool more = true; more;) {
    const ListPage page = List("wal/", after);
    ASSERT_FALSE(page.objects.empty());
    const std::string first = after.empty() ? page.objects.front().key : after;
    const std::set<int> read_ones = Read();
    EXPECT_FALSE(read_ones.empty());
    EXPECT_LE(read_ones.size(), page.objects.size() / kFilesInEach + 2) << "after " << after;
    EXPECT_LE(page.objects.size(), kMaxListPage + kFilesInEach);
    EXPECT_GE(Key(*read_ones.begin(), kFilesInEach - 1), first);
    for (const ObjectInfo& object : page.objects) keys.push_back(object.key);
    after = page.objects.back().key;
    more = page.more;
  }
  EXPECT_EQ(keys.size(), static_cast<size_t>(kDirectories * kFilesInEach));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST_F(DirectoryWalk, ALookAtOneRangeReadsThatRange) {
  (void)List("wal/1/03/27/", "");
  EXPECT_EQ(Read(), std::set<int>{27});
  (void)List("wal/1/", Key(39, 50));
  EXPECT_EQ(Read(), std::set<int>{39});
  (void)List("wal/1/", Key(38, 99));
  EXPECT_EQ(Read(), (std::set<int>{38, 39}));
  (void)List("wal/1/03/27/050", "");
  EXPECT_EQ(Read(), std::set<int>{27});
}

// One directory with many files is not read once for each thousand of them.
TEST_F(DirectoryWalk, TheSecondPageTakesAllThatItsDirectoryHas) {
  const int many = 5 * static_cast<int>(kMaxListPage);
  fs::create_directories(root_ / "data/b");
  for (int i = 0; i < many; i++) std::ofstream(root_ / "data/b" / std::to_string(100000 + i));
  const ListPage first = List("data/", "");
  EXPECT_EQ(first.objects.size(), kMaxListPage);
  const ListPage second = List("data/", first.objects.back().key);
  EXPECT_EQ(second.objects.size(), many - kMaxListPage);
  EXPECT_FALSE(second.more);
}

}  // namespace
}  // namespace pitr
