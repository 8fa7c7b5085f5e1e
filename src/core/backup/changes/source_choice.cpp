#include "core/backup/changes/source_choice.h"

#include "core/backup/changes/wal_since_parent.h"

namespace pitr {
namespace {

// For a summarizer that does not get on; the server's own base backups wait as long.
constexpr int64_t kSummarizerPatienceMs = 60000;
constexpr int kMapReaders = 8;  // requests at the same time
constexpr int kFirstWithSummaries = 17;

std::string Sentence(std::string text) { return std::move(text) + "."; }

// Asks for what is known of WAL, and remembers what is not and why.
class WalChoice {
 public:
  WalChoice(const ChangeRequest& request, const OpContext& ctx) : request_(request), ctx_(ctx) {}

  // Null when WAL does not tell; then why() and missed() do.
  Result<std::unique_ptr<ChangeSource>> Run() {
    auto range = FindWalSinceParent(request_.repository, request_.data_directory, request_.parent, request_.timeline,
                                    request_.start_lsn, ctx_);
    if (range.code() == Code::kCancelled) return std::move(range).status();
    if (!range.ok()) {
      Miss("The way of timelines since the parent is not known: " + range.status().message());
      return std::unique_ptr<ChangeSource>();
    }
    if (request_.wanted != "change_maps") {
      PITR_ASSIGN(auto source, FromSummaries(range.value()));
      if (source) return source;
    }
    if (request_.wanted != "wal_summaries") return FromMaps(range.value());
    return std::unique_ptr<ChangeSource>();
  }
  const std::string& why() const { return why_; }
  bool missed() const { return missed_; }

 private:
  Result<std::unique_ptr<ChangeSource>> FromSummaries(const WalSinceParent& range) {
    if (!request_.summarizes_wal) {
      const int major = request_.parent.cluster.pg_major;
      if (major >= kFirstWithSummaries) {
        Add("WAL summaries: summarize_wal is off");
      } else if (request_.wanted == "wal_summaries") {
        Add("WAL summaries: PostgreSQL " + std::to_string(major) + " has none");
      }
      missed_ |= request_.wanted == "wal_summaries";
      return std::unique_ptr<ChangeSource>();
    }
    PITR_ASSIGN(ChangeKnowledge known,
                CollectSummarizedChanges(request_.data_directory, range, kSummarizerPatienceMs, ctx_));
    return Use(ChangeKind::kWalSummaries, "WAL summaries", std::move(known));
  }

  Result<std::unique_ptr<ChangeSource>> FromMaps(const WalSinceParent& range) {
    if (request_.repository.config().change_map == "off") {
      Add("Change maps: the setting change_map is off");
      missed_ |= request_.wanted == "change_maps";
      return std::unique_ptr<ChangeSource>();
    }
    PITR_ASSIGN(ChangeKnowledge known,
                CollectArchivedChanges(request_.repository, request_.data_directory, range, kMapReaders, ctx_));
    return Use(ChangeKind::kChangeMaps, "Change maps", std::move(known));
  }

  std::unique_ptr<ChangeSource> Use(ChangeKind kind, const std::string& name, ChangeKnowledge&& known) {
    if (!known.changes) {
      Miss(name + ": " + known.why_not);
      return nullptr;
    }
    Add(name + " cover all WAL since the start of backup " + request_.parent.label);
    return MakeKnownBlocksSource({kind, why_, missed_}, std::move(*known.changes));
  }

  void Add(std::string what) { why_ += (why_.empty() ? "" : " ") + Sentence(std::move(what)); }
  void Miss(std::string what) {
    Add(std::move(what));
    missed_ = true;
  }

  const ChangeRequest& request_;
  const OpContext& ctx_;
  std::string why_;
  bool missed_ = false;
};

// By the pages themselves, as far as they tell.
std::unique_ptr<ChangeSource> FromPages(const ChangeRequest& request, const std::string& why, bool missed) {
  if (request.data_checksums) return MakePageLsnSource({ChangeKind::kPageLsn, why, missed});
  return MakeWrittenFilesSource(
      {ChangeKind::kFullRead,
       why +
           " Without data checksums the LSNs of pages do not tell of everything (VACUUM marks pages all-visible): "
           "what was written since backup " +
           request.parent.label + " is read and compared.",
       missed});
}

}  // namespace

Result<std::unique_ptr<ChangeSource>> ChooseChangeSource(const ChangeRequest& request, const OpContext& ctx) {
  constexpr const char* kSetting = "The setting change_source says so.";
  if (request.wanted == "full_read") return MakeFullReadSource(kSetting);
  // pg_checksums rewrites pages and leaves their LSNs as they are, and WAL does not tell of it.
  if (request.data_checksums != request.parent.data_checksums)
    return MakeFullReadSource(std::string("Data checksums were ") + (request.data_checksums ? "enabled" : "disabled") +
                              " since backup " + request.parent.label + ".");
  if (request.wanted == "page_lsn") return FromPages(request, kSetting, false);
  WalChoice choice(request, ctx);
  PITR_ASSIGN(auto source, choice.Run());
  if (source) return source;
  return FromPages(request, choice.why(), choice.missed());
}

}  // namespace pitr
