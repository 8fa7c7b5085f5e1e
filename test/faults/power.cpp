#include "faults/power.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace pitr::faults {
namespace {

namespace fs = std::filesystem;

struct NameChange {
  char what = 'C';          // C made, R renamed, U removed
  uint64_t directory = 0;   // inode of the one it was in
  std::string path, from;   // from: R
  std::string grave = "-";  // what had the name before
};

struct Unsynced {
  std::set<uint64_t> dirty, poisoned;
  std::vector<NameChange> names;
};

// "C <inode> <path>", "R <inode> <path>\t<from>\t<grave>", "U <inode> <path>\t<grave>", "D|S|X|A <inode>".
Unsynced ReadJournal(const std::string& journal) {
  Unsynced left;
  std::ifstream file(journal);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    NameChange change;
    words >> change.what >> change.directory;
    words.get();
    std::getline(words, change.path, '\t');
    const uint64_t inode = change.directory;
    switch (change.what) {
      case 'D':
        left.dirty.insert(inode);
        break;
      case 'X':
        if (left.dirty.contains(inode)) left.poisoned.insert(inode);
        break;
      case 'S':
        left.dirty.erase(inode);
        std::erase_if(left.names, [&](const NameChange& name) { return name.directory == inode; });
        break;
      case 'A':
        left = {.poisoned = left.poisoned};
        break;
      case 'R':
        std::getline(words, change.from, '\t');
        [[fallthrough]];
      case 'U':
        std::getline(words, change.grave, '\t');
        [[fallthrough]];
      default:
        left.names.push_back(change);
    }
  }
  left.dirty.insert(left.poisoned.begin(), left.poisoned.end());
  return left;
}

bool LoseBytes(const std::string& path, std::mt19937_64& random) {
  const uint64_t choice = random() % 4;
  struct stat info {};
  if (choice == 3 || stat(path.c_str(), &info) != 0) return false;
  if (truncate(path.c_str(), 0) != 0) return false;
  if (choice == 2 && truncate(path.c_str(), info.st_size) != 0) return false;
  return true;
}

void Undo(const NameChange& change, const std::string& graves, int number) {
  std::error_code failed;
  if (change.what == 'C') {
    if (fs::is_directory(fs::symlink_status(change.path, failed)))
      fs::rename(change.path, graves + "/lost." + std::to_string(number), failed);
    else
      fs::remove(change.path, failed);
    return;
  }
  if (change.what == 'R') fs::rename(change.path, change.from, failed);
  if (change.grave != "-")
    fs::create_hard_link(change.grave, change.path, failed);
  else if (change.what == 'U')
    fs::create_directory(change.path, failed);
}

}  // namespace

PowerCut CutPower(const std::string& watched, const std::string& journal, const std::string& graves,
                  std::mt19937_64& random) {
  PowerCut cut;
  const Unsynced left = ReadJournal(journal);
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(watched, ignored)) {
    struct stat info {};
    if (!entry.is_regular_file(ignored) || stat(entry.path().c_str(), &info) != 0 || !left.dirty.contains(info.st_ino))
      continue;
    if (LoseBytes(entry.path().string(), random)) cut.files_lost++;
  }
  size_t go = left.names.size();
  if (go > 0 && random() % 2 == 0) go = random() % (go + 1);
  for (size_t i = 0; i < go; i++) Undo(left.names[left.names.size() - 1 - i], graves, static_cast<int>(i));
  cut.changes_lost = static_cast<int>(go);
  fs::remove(journal, ignored);
  fs::remove_all(graves, ignored);
  fs::create_directory(graves, ignored);
  return cut;
}

}  // namespace pitr::faults
