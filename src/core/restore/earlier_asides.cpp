#include "core/restore/earlier_asides.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/base/ascii.h"
#include "core/base/describe_size.h"
#include "core/base/shell_word.h"
#include "core/base/shown_name.h"
#include "core/pg/relation_file.h"
#include "core/restore/restore_mark.h"
#include "core/restore/wal_aside.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr int kMostFilesSized = 1000000;
constexpr size_t kMostNamed = 8;

uint64_t SizeOf(const std::string& directory) {
  uint64_t bytes = 0;
  int files = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() != fs::file_type::regular) continue;
    if (++files > kMostFilesSized) break;
    if (const auto size = entry->file_size(ignored); !ignored) bytes += size;
  }
  return bytes;
}

class AsideFinder {
 public:
  AsideFinder(const Repository& repository, const ClusterTree& tree, const std::string& except,
              const std::vector<std::string>& interrupted, const OpContext& ctx)
      : repository_(repository), tree_(tree), except_(except), interrupted_(interrupted), ctx_(ctx) {}

  Result<EarlierAsides> Find() {
    PITR_TRY(LookIn("", ""));
    PITR_TRY(LookIn(std::string(kWalDirectory), ""));
    for (const auto& [root, directory] : tree_.roots())
      if (root.starts_with(kTablespaceDirectory)) PITR_TRY(LookIn(root, "PG_"));
    const auto mark = ReadRestoreMark(tree_);
    if (mark.ok() && mark.value())
      for (const std::string& path : mark.value()->aside_elsewhere) AddElsewhere(path);
    for (const std::string& path : interrupted_) AddElsewhere(path);
    return std::move(result_);
  }

 private:
  void AddElsewhere(const std::string& path) {
    std::error_code error;
    if (!fs::is_directory(path, error) || !seen_.insert(path).second) return;
    result_.found.push_back({path, SizeOf(path), false});
    result_.elsewhere.push_back(path);
  }

  Status LookIn(const std::string& directory, const std::string& prefix) {
    auto names = tree_.List(directory);
    if (!names.ok()) return Status::Ok();
    std::sort(names.value().begin(), names.value().end());
    for (const std::string& name : names.value()) {
      PITR_TRY(ctx_.Check());
      if (name.find(kSetAsideMark) == std::string::npos || !name.starts_with(prefix) || name == except_) continue;
      const std::string path = directory.empty() ? name : directory + "/" + name;
      const auto info = tree_.Stat(path);
      if (!info.ok() || !S_ISDIR(info.value().st_mode) || !seen_.insert(tree_.Locate(path)).second) continue;
      EarlierAside aside{tree_.Locate(path), SizeOf(tree_.Locate(path)), false};
      // A restore that made pg_wal a link moved the directory that it had been as a whole.
      PITR_ASSIGN(aside.has_wal, HoldsWal(directory.empty() ? path + "/" + std::string(kWalDirectory) : path));
      result_.found.push_back(std::move(aside));
    }
    return Status::Ok();
  }

  Result<bool> HoldsWal(const std::string& directory) {
    if (!tree_.Stat(directory).ok()) return false;
    if (!archive_) {
      auto loaded = WalCatalog::Load(repository_, ctx_);
      if (loaded.code() == Code::kCancelled) return loaded.status();
      if (!loaded.ok()) return true;
      archive_.emplace(std::move(loaded).value());
    }
    const auto unstored = FindUnstoredWal(repository_, *archive_, tree_, directory, ctx_);
    if (unstored.code() == Code::kCancelled) return unstored.status();
    return !unstored.ok() || unstored.value().BelongsHere();
  }

  const Repository& repository_;
  const ClusterTree& tree_;
  const std::string& except_;
  const std::vector<std::string>& interrupted_;
  const OpContext& ctx_;
  std::optional<WalCatalog> archive_;
  std::set<std::string> seen_;
  EarlierAsides result_;
};

}  // namespace

Result<EarlierAsides> FindEarlierAsides(const Repository& repository, const ClusterTree& tree,
                                        const std::string& except, const std::vector<std::string>& interrupted,
                                        const OpContext& ctx) {
  return AsideFinder(repository, tree, except, interrupted, ctx).Find();
}

std::string DescribeEarlierAsides(const EarlierAsides& asides) {
  if (asides.found.empty()) return "";
  uint64_t bytes = 0;
  std::string named, wal, all;
  for (size_t i = 0; i < asides.found.size(); ++i) {
    const EarlierAside& aside = asides.found[i];
    bytes += aside.bytes;
    if (i < kMostNamed) {
      named += (i == 0 ? "" : ", ") + Quoted(ShownName(aside.path)) + " (" + DescribeBytes(aside.bytes) + ")";
      all += " " + ShellWord(aside.path);
    }
    if (aside.has_wal) wal += (wal.empty() ? "" : ", ") + Quoted(ShownName(aside.path));
  }
  const size_t more = asides.found.size() - std::min(asides.found.size(), kMostNamed);
  std::string text = "Earlier restores set aside what is still there, " + DescribeBytes(bytes) + ": " + named +
                     (more == 0 ? "" : " and " + std::to_string(more) + " more") + ". ";
  if (!wal.empty())
    text += "WAL that the repository does not have, as far as is known, is in " + wal +
            ": whoever wants it runs pg_pitr wal-push on that directory first. ";
  return text + "Nothing uses them. When nothing in them is needed any more: rm -r" + all;
}

}  // namespace pitr
