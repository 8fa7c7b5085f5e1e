#include "core/backup/copy/copy_run.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <memory>
#include <optional>

#include "core/backup/changes/source_choice.h"
#include "core/backup/copy/copy_threads.h"
#include "core/backup/copy/map_pages.h"
#include "core/backup/copy/parent_pages.h"
#include "core/backup/data/file_stat.h"
#include "core/pg/control.h"

namespace pitr {
namespace {

Result<ControlData> CheckControlFile(const Repository& repository, const std::string& root, const OpContext& ctx) {
  PITR_ASSIGN(ControlFile control, ReadControlFile(root + "/" + kControlFilePath, *ctx.clock));
  PITR_TRY(repository.CheckCluster({control.data.system_id, control.data.segment_size, control.data.pg_major}));
  return control.data;
}

// A place for the control file among the others; it is filled in last.
uint32_t AddControlFile(std::vector<MappedFile>& files) {
  MappedFile control;
  control.path = kControlFilePath;
  const auto at = std::lower_bound(files.begin(), files.end(), control,
                                   [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; });
  const auto index = static_cast<uint32_t>(at - files.begin());
  files.insert(at, std::move(control));
  return index;
}

// By what an increment finds changes; null for a full backup.
Result<std::unique_ptr<ChangeSource>> ChooseSource(const CopyRequest& request, CopiedFiles& copied,
                                                   const OpContext& ctx) {
  if (request.parent == nullptr) return std::unique_ptr<ChangeSource>();
  const BackupStart& start = request.start;
  const ChangeRequest wanted{.repository = request.repository,
                             .parent = request.parent->manifest,
                             .data_directory = start.data_directory,
                             .start_lsn = start.start_lsn,
                             .timeline = start.timeline,
                             .data_checksums = start.data_checksums,
                             .summarizes_wal = request.options.summarizes_wal,
                             .wanted = request.options.change_source};
  PITR_ASSIGN(auto source, ChooseChangeSource(wanted, ctx));
  copied.change_origin = source->origin();
  request.change_kind = static_cast<int>(source->origin().kind);
  request.repository.log().Info("changes since backup \"" + wanted.parent.label + "\" are found by " +
                                std::string(ChangeKindName(source->origin().kind)) + ": " + source->origin().why);
  return source;
}

class CopyRun {
 public:
  CopyRun(const CopyRequest& request, const ControlData& control, const OpContext& ctx)
      : request_(request), control_(control), ctx_(ctx) {}

  Result<CopiedFiles> Run() {
    PITR_TRY(Prepare());
    std::vector<CopyBatch> batches = PlanBatches(copied_.directory.files, pages_ ? pages_->plan() : PagePlan(),
                                                 request_.parent, request_.options.held_map_bytes);
    PITR_TRY(StartJobs());
    for (size_t i = 0; i < batches.size(); i++) {
      PITR_TRY(Plan(batches[i].ranges));
      if (pages_ && pages_->doubts_kept()) PITR_TRY(ReadKeptPages(i, batches));
      const bool last = i + 1 == batches.size();
      shared_->units.Begin(PlanWork(copied_.directory.files, batches[i].ranges, request_.options.jobs,
                                    [&](uint32_t index) { return file_plan_.Skips(index); }),
                           last, request_.options.jobs);
      PITR_TRY(Copy());
      if (last || HeldBytes() >= request_.options.held_map_bytes) PITR_TRY(StorePages());
    }
    if (copied_.change_origin) PITR_TRY(references_.ToStatus(*copied_.change_origin, request_.parent->manifest.label));
    PITR_TRY(CheckEssentialFiles(copied_.directory.files, vanished_));
    KeepPages();
    CountFiles();
    return std::move(copied_);
  }

 private:
  Status Prepare();
  Status PrepareChanges();
  Status StartJobs();
  void SetTotals();
  Status Plan(const std::vector<FileRange>& ranges);
  Status ReadKeptPages(size_t batch, std::vector<CopyBatch>& batches);
  Status Copy();
  size_t HeldBytes() const;
  Status StorePages();
  Status TakeOwnPacks();
  Status TakeJobs(std::vector<MappedFrame>& frames, CopiedExtents& extents);
  void ApplySlices();
  Status TakeParent(std::vector<MappedFrame>& frames, CopiedExtents& extents);
  void KeepPages();
  void CountFiles();

  const CopyRequest& request_;
  const ControlData& control_;
  const OpContext& ctx_;
  CopiedFiles copied_;
  uint32_t control_index_ = 0;
  std::vector<bool> vanished_;              // files that are not in the backup after all
  std::vector<uint32_t> own_packs_;         // by index in the table of packs, the index in copied_.packs
  std::optional<ParentPacks> other_packs_;  // what is taken of the parent's or of interrupted backups' packs
  std::unique_ptr<ChangeSource> source_;    // of an increment
  bool stamps_hold_ = false;
  std::optional<ParentPages> pages_;  // of an increment; the map has those of files that are not in new pages yet
  FilePlan file_plan_;                // knows files as long as the map does
  std::vector<FileRange> done_;       // copied, and not stored in pages yet
  ReferenceFindings references_;
  CancelToken stop_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<CopyShared> shared_;
  std::vector<std::unique_ptr<CopyJob>> jobs_;
};

Status CopyRun::Prepare() {
  const BackupStart& start = request_.start;
  PITR_ASSIGN(source_, ChooseSource(request_, copied_, ctx_));
  PITR_ASSIGN(copied_.directory,
              ScanDataDirectory(start.data_directory,
                                TablespaceVersionDirectory(control_.pg_major, control_.catalog_version), ctx_));
  std::vector<MappedFile>& files = copied_.directory.files;
  PITR_TRY(CheckEssentialFiles(files, {}));
  control_index_ = AddControlFile(files);
  vanished_.assign(files.size(), false);
  copied_.boot_id = CurrentBootId();
  PITR_TRY(PrepareChanges());
  if (file_plan_.parent != nullptr) other_packs_.emplace(file_plan_.parent->manifest().packs, copied_.packs);
  SetTotals();
  request_.record.Begin(copied_.directory.total_bytes, *ctx_.clock);
  return Status::Ok();
}

Status CopyRun::PrepareChanges() {
  const std::vector<MappedFile>& files = copied_.directory.files;
  if (request_.resumed != nullptr) file_plan_ = PlanResume(files, *request_.resumed);
  if (source_ == nullptr) return Status::Ok();
  const BackupManifest& parent = request_.parent->manifest;
  const BackupStart& start = request_.start;
  stamps_hold_ = source_->trusts_stamps() && !copied_.boot_id.empty() && copied_.boot_id == parent.boot_id;
  // Whoever wants a proof wants to see everything.
  PITR_ASSIGN(PagePlan plan,
              PlanPages(files, *request_.parent, *source_, stamps_hold_ && !request_.options.verify_changes));
  request_.repository.log().Info("of the file map of backup \"" + parent.label + "\" " +
                                 std::to_string(plan.kept_count()) + " of " + std::to_string(plan.kept.size()) +
                                 " pages are taken over unread");
  pages_.emplace(request_.repository, *request_.parent, std::move(plan));
  file_plan_ = PlanPagesKept(files.size(), pages_->plan(), pages_->map());
  file_plan_.page_rule = {parent.start_lsn, Lsn{parent.cluster.segment_size_bytes}};
  file_plan_.verify = request_.options.verify_changes;
  file_plan_.hints_may_differ = !start.data_checksums || parent.stop_timeline != start.timeline;
  return Status::Ok();
}

// All that is not taken over with its page: what else is skipped is known batch by batch.
void CopyRun::SetTotals() {
  const std::vector<MappedFile>& files = copied_.directory.files;
  uint64_t done = 0;
  uint64_t skipped_bytes = 0;
  for (uint32_t i = 0; i < files.size(); i++) {
    if (files[i].size_bytes != 0 && !file_plan_.Skips(i)) continue;
    skipped_bytes += files[i].size_bytes;
    done++;
  }
  request_.progress.bytes_total = copied_.directory.total_bytes - skipped_bytes + kControlFileSize;
  request_.progress.files_total = files.size();
  request_.progress.files_done = done - 1;  // nothing is read of empty files; the control file only seems to be one
}

Status CopyRun::StartJobs() {
  const int jobs = request_.options.jobs;
  PITR_ASSIGN(pool_, ThreadPool::Start(jobs * kPartsInFlightPerJob));
  shared_.reset(
      new CopyShared{.directory = copied_.directory,
                     .file_plan = file_plan_,
                     .control_index = control_index_,
                     .system_id = control_.system_id,
                     .start_lsn = request_.start.start_lsn,
                     .pages = request_.start.data_checksums ? &request_.pages : nullptr,
                     .references = references_,
                     .rate = *request_.options.rate,
                     .target = {.repository = request_.repository,
                                .packs = request_.packs,
                                .record = request_.record,
                                .upload_pool = *pool_,
                                .progress = request_.progress},
                     .ctx = {.clock = ctx_.clock, .cancel = &stop_, .deadline_millis = ctx_.deadline_millis}});
  for (int i = 0; i < jobs; i++) jobs_.push_back(std::make_unique<CopyJob>(*shared_));
  return Status::Ok();
}

// The files of pages that are not to be taken over after all are copied: in batches of their own, or with the last one,
// which nothing may come after.
Status CopyRun::ReadKeptPages(size_t batch, std::vector<CopyBatch>& batches) {
  PITR_ASSIGN(const std::vector<uint32_t> unreadable, pages_->ReadKept(ctx_));
  const std::vector<MappedFile>& files = copied_.directory.files;
  PagePlan others = pages_->plan();
  others.kept.assign(others.kept.size(), true);
  for (const uint32_t page : unreadable) {
    others.kept[page] = false;
    for (uint32_t i = others.first[page]; i < others.first[page + 1]; i++) {
      file_plan_.files[i] = {};
      if (files[i].size_bytes == 0) continue;
      request_.progress.bytes_total.fetch_add(files[i].size_bytes, std::memory_order_relaxed);
      request_.progress.files_done.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  std::vector<CopyBatch> more = PlanBatches(files, others, request_.parent, request_.options.held_map_bytes);
  std::erase_if(more, [](const CopyBatch& added) { return added.ranges.empty(); });
  if (batch + 1 < batches.size()) {
    batches.insert(batches.begin() + static_cast<ptrdiff_t>(batch) + 1, more.begin(), more.end());
    return Status::Ok();
  }
  std::vector<FileRange>& last = batches.back().ranges;
  for (const CopyBatch& added : more) {
    PITR_TRY(Plan(added.ranges));
    last.insert(last.end(), added.ranges.begin(), added.ranges.end());
  }
  std::sort(last.begin(), last.end(), [](const FileRange& a, const FileRange& b) { return a.first < b.first; });
  return Status::Ok();
}

Status CopyRun::Plan(const std::vector<FileRange>& ranges) {
  const std::vector<MappedFile>& files = copied_.directory.files;
  done_.insert(done_.end(), ranges.begin(), ranges.end());
  if (source_ == nullptr) return Status::Ok();
  uint32_t page = FileRange::kNoPage;
  std::optional<ParentCursor> cursor;
  for (const FileRange& range : ranges) {
    if (!cursor || range.page != page) {
      page = range.page;
      const size_t first = pages_->map().files().size();
      if (page != FileRange::kNoPage) PITR_TRY(pages_->Read(page, ctx_));  // a map without any is possible
      cursor.emplace(pages_->map(), first);
    }
    PITR_TRY(PlanFiles(files, range, *cursor, *source_, stamps_hold_, file_plan_));
    for (uint32_t i = range.first; i < range.end; i++) {
      if (files[i].size_bytes == 0 || !file_plan_.Skips(i)) continue;
      request_.progress.bytes_total.fetch_sub(files[i].size_bytes, std::memory_order_relaxed);
      request_.progress.files_done.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return Status::Ok();
}

Status CopyRun::Copy() {
  if (shared_->units.empty() && !shared_->units.last()) return Status::Ok();
  return RunJobs(
      jobs_,
      [&](CopyJob& job) -> Status {
        PITR_TRY(job.Run());
        // At the end nobody has to wait for the others.
        return shared_->units.last() ? job.packer().Close() : Status::Ok();
      },
      stop_, ctx_);
}

size_t CopyRun::HeldBytes() const {
  size_t bytes = pages_ ? pages_->map().held_bytes() : 0;
  for (const auto& job : jobs_) bytes += job->packer().held_bytes();
  return bytes;
}

// What was copied since the last time. From then on nothing of it is held.
Status CopyRun::StorePages() {
  if (!shared_->units.last())
    PITR_TRY(RunJobs(
        jobs_, [](CopyJob& job) { return job.packer().Close(); }, stop_, ctx_));
  ApplySlices();
  PITR_TRY(TakeOwnPacks());
  std::vector<MappedFrame> frames;
  CopiedExtents extents;
  PITR_TRY(TakeJobs(frames, extents));
  if (file_plan_.parent != nullptr) PITR_TRY(TakeParent(frames, extents));
  std::sort(done_.begin(), done_.end(), [](const FileRange& a, const FileRange& b) { return a.first < b.first; });
  const CompleteFiles complete{.listing = copied_.directory.files,
                               .vanished = vanished_,
                               .ranges = done_,
                               .extents = extents,
                               .frames = frames,
                               .packs = copied_.packs};
  const auto first_page = static_cast<uint32_t>(copied_.pages.size() + 1);
  PITR_ASSIGN(std::vector<MapPage> pages,
              StoreMapPages(request_.repository, request_.label, first_page, complete, ctx_));
  std::move(pages.begin(), pages.end(), std::back_inserter(copied_.pages));
  if (source_ != nullptr) {
    for (const FileRange& range : done_)
      for (uint32_t i = range.first; i < range.end; i++) file_plan_.files[i] = {};
    pages_->Forget();
  }
  done_.clear();
  return Status::Ok();
}

// Packs come into the backup's list as they become known, its own before those that were taken with them.
Status CopyRun::TakeOwnPacks() {
  for (size_t count = request_.packs.count(); own_packs_.size() < count;) {
    PackEntry pack = request_.packs.entry(static_cast<uint32_t>(own_packs_.size()));
    if (pack.size_bytes == 0) return {Code::kInternal, "pack \"" + pack.key + "\" is not complete"};
    own_packs_.push_back(static_cast<uint32_t>(copied_.packs.size()));
    copied_.packs.push_back(std::move(pack));
  }
  return Status::Ok();
}

Status CopyRun::TakeJobs(std::vector<MappedFrame>& frames, CopiedExtents& extents) {
  size_t count = 0;
  for (const auto& job : jobs_) count += job->packer().frame_count();
  frames.reserve(count);
  for (auto& job : jobs_) {
    for (const uint32_t index : job->TakeVanished()) vanished_[index] = true;
    const size_t base = frames.size();
    const std::vector<MappedFrame> own = job->packer().TakeFrames();
    if (own.size() > UINT32_MAX - base) return {Code::kInternal, "too many frames in one backup"};
    for (const MappedFrame& frame : own) {
      assert(frame.pack < own_packs_.size());
      frames.push_back({own_packs_[frame.pack], frame.ref});
    }
    extents.Take(job->packer().TakeStored(), static_cast<uint32_t>(base));
  }
  return Status::Ok();
}

// Sliced files: what the jobs found of each slice says how long the file was.
void CopyRun::ApplySlices() {
  std::map<uint32_t, SliceEnd> files;
  for (const auto& job : jobs_)
    for (const SliceEnd& slice : job->TakeSlices()) {
      SliceEnd& file = files.try_emplace(slice.file, SliceEnd{slice.file, 0, false}).first->second;
      file.end = std::max(file.end, slice.end);
      file.vanished |= slice.vanished;
    }
  for (const auto& [index, file] : files) {
    copied_.directory.files[index].size_bytes = file.end;
    if (file.vanished) vanished_[index] = true;
  }
}

Status CopyRun::TakeParent(std::vector<MappedFrame>& frames, CopiedExtents& extents) {
  std::vector<MappedFile>& files = copied_.directory.files;
  std::vector<const ParentMap::File*> bases(files.size(), nullptr);
  for (const FileRange& range : done_)
    for (uint32_t i = range.first; i < range.end; i++) {
      if (const FileBase* base = file_plan_.BaseOf(i); base != nullptr && !vanished_[i]) bases[i] = base->parent;
      if (!file_plan_.files[i].keeps_time) files[i].stamp.changed_nanos = 0;
    }
  return extents.TakeParent(*file_plan_.parent, std::move(bases), files, frames, *other_packs_);
}

void CopyRun::KeepPages() {
  if (pages_) {
    pages_->TakeKept(*other_packs_, copied_.pages);
    copied_.parent_damage = pages_->damage();
  }
  std::sort(copied_.pages.begin(), copied_.pages.end(),
            [](const MapPage& a, const MapPage& b) { return a.first_path < b.first_path; });
}

void CopyRun::CountFiles() {
  for (size_t i = 0; i < copied_.directory.files.size(); i++) {
    if (vanished_[i]) continue;
    copied_.bytes += copied_.directory.files[i].size_bytes;
    copied_.count++;
  }
}

}  // namespace

Result<CopiedFiles> RunCopy(const CopyRequest& request, const OpContext& ctx) {
  PITR_ASSIGN(const ControlData control, CheckControlFile(request.repository, request.start.data_directory, ctx));
  return CopyRun(request, control, ctx).Run();
}

}  // namespace pitr
