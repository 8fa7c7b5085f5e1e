#include "core/backup/copy_run.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/backup/change_choice.h"
#include "core/backup/file_stat.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"

namespace pitr {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(100);

// What the waiting thread and the jobs tell each other.
class Finish {
 public:
  explicit Finish(int jobs) : left_(jobs) {}

  // The first failure counts and stops the other jobs, whose own failures follow from it.
  void Report(Status status, CancelToken& stop) {
    std::lock_guard lock(mutex_);
    if (!status.ok()) {
      if (failure_.ok()) failure_ = std::move(status);
      stop.Cancel();
    }
    left_--;
    changed_.notify_all();
  }

  Status Wait(CancelToken& stop, const OpContext& ctx) {
    std::unique_lock lock(mutex_);
    Status asked;
    while (left_ > 0) {
      changed_.wait_for(lock, kPoll);
      if (asked.ok() && !(asked = ctx.Check()).ok()) stop.Cancel();
    }
    return asked.ok() ? failure_ : asked;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_;  // protected by mutex_, as all here
  Status failure_;
};

// Stops and joins what it started, on every way out.
class Threads {
 public:
  explicit Threads(CancelToken& stop) : stop_(stop) {}
  ~Threads() {
    stop_.Cancel();
    for (std::thread& thread : threads_) thread.join();
  }
  Status Start(std::function<void()> body) {
    PITR_ASSIGN(std::thread thread, StartThread(std::move(body)));
    threads_.push_back(std::move(thread));
    return Status::Ok();
  }

 private:
  CancelToken& stop_;
  std::vector<std::thread> threads_;
};

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

// Sliced files: what the jobs found of each slice says how long the file was.
void ApplySlices(const std::vector<std::unique_ptr<CopyJob>>& jobs, CopiedFiles& copied) {
  std::map<uint32_t, SliceEnd> files;
  for (const auto& job : jobs)
    for (const SliceEnd& slice : job->slices()) {
      SliceEnd& file = files.try_emplace(slice.file, SliceEnd{slice.file, 0, false}).first->second;
      file.end = std::max(file.end, slice.end);
      file.vanished |= slice.vanished;
    }
  for (const auto& [index, file] : files) {
    copied.directory.files[index].size_bytes = file.end;
    if (file.vanished) copied.vanished[index] = true;
  }
}

// What the parent has of each file that is in the backup.
std::vector<const ParentMap::File*> BasesOf(const ChangePlan& changes, const std::vector<bool>& vanished) {
  std::vector<const ParentMap::File*> bases(changes.files.size(), nullptr);
  for (uint32_t i = 0; i < bases.size(); i++)
    if (const FileBase* base = changes.BaseOf(i); base != nullptr && !vanished[i]) bases[i] = base->parent;
  return bases;
}

void ForgetTimes(const ChangePlan& changes, CopiedFiles& copied) {
  for (uint32_t i = 0; i < copied.directory.files.size(); i++)
    if (!changes.files[i].keeps_time) copied.directory.files[i].stamp.changed_nanos = 0;
}

Status TakeJobs(std::vector<std::unique_ptr<CopyJob>>& jobs, CopiedFiles& copied) {
  for (auto& job : jobs) {
    for (const uint32_t index : job->vanished()) copied.vanished[index] = true;
    const size_t base = copied.frames.size();
    const std::vector<MappedFrame> frames = job->packs().TakeFrames();
    if (frames.size() > UINT32_MAX - base) return {Code::kInternal, "too many frames in one backup"};
    copied.frames.insert(copied.frames.end(), frames.begin(), frames.end());
    copied.extents.Take(std::move(job->stored()), static_cast<uint32_t>(base));
    job.reset();
  }
  return Status::Ok();
}

// The pages that are taken over, with the numbers that their packs have now.
void KeepPages(const CopyRequest& request, ParentPacks& packs, CopiedFiles& copied) {
  for (size_t i = 0; i < copied.pages.kept.size(); i++) {
    if (!copied.pages.kept[i]) continue;
    MapPage& page = copied.kept.emplace_back(request.parent->list.pages[i]);
    for (uint32_t& pack : page.packs) pack = packs.Take(pack);
  }
}

Status Assemble(std::vector<std::unique_ptr<CopyJob>>& jobs, const CopyRequest& request, const ChangePlan& changes,
                CopiedFiles& copied) {
  copied.vanished.assign(copied.directory.files.size(), false);
  ApplySlices(jobs, copied);
  PITR_TRY(TakeJobs(jobs, copied));
  PITR_TRY(CheckEssentialFiles(copied.directory.files, copied.vanished));
  copied.packs = request.packs.entries();
  copied.own_packs = copied.packs.size();
  if (changes.parent != nullptr) {
    ForgetTimes(changes, copied);
    ParentPacks packs(changes.parent->manifest().packs, copied.packs);
    PITR_TRY(copied.extents.TakeParent(*changes.parent, BasesOf(changes, copied.vanished), copied.directory.files,
                                       copied.frames, packs));
    KeepPages(request, packs, copied);
  }
  for (size_t i = 0; i < copied.directory.files.size(); i++) {
    if (copied.vanished[i]) continue;
    copied.bytes += copied.directory.files[i].size_bytes;
    copied.count++;
  }
  return Status::Ok();
}

Status RunJobs(std::vector<std::unique_ptr<CopyJob>>& jobs, CancelToken& stop, const OpContext& ctx) {
  Finish finish(static_cast<int>(jobs.size()));
  Threads threads(stop);
  for (auto& job : jobs) {
    Status started =
        threads.Start([&finish, &stop, job = job.get()] { finish.Report(Guarded([&] { return job->Run(); }), stop); });
    // The jobs that were not started have nothing to report but this.
    if (!started.ok()) finish.Report(std::move(started), stop);
  }
  return finish.Wait(stop, ctx);
}

void SetTotals(const DataDirectory& directory, const ChangePlan& changes, Progress& progress) {
  uint64_t done = 0;
  uint64_t skipped_bytes = 0;
  for (uint32_t i = 0; i < directory.files.size(); i++) {
    const uint64_t size = directory.files[i].size_bytes;
    if (size != 0 && !changes.Skips(i)) continue;
    skipped_bytes += size;
    done++;
  }
  progress.bytes_total = directory.total_bytes - skipped_bytes + kControlFileSize;
  progress.files_total = directory.files.size();
  progress.files_done = done - 1;  // nothing is read of empty files; the control file only seems to be one
}

// By what an increment finds changes; null for a full backup.
Result<std::unique_ptr<ChangeSource>> ChooseSource(const CopyRequest& request, CopiedFiles& copied,
                                                   const OpContext& ctx) {
  if (request.parent == nullptr) return std::unique_ptr<ChangeSource>();
  const BackupStart& start = request.start;
  const ChangeRequest wanted{
      request.repository, request.parent->manifest, start.data_directory,           start.start_lsn,
      start.timeline,     start.data_checksums,     request.options.summarizes_wal, request.options.change_source};
  PITR_ASSIGN(auto source, ChooseChangeSource(wanted, ctx));
  copied.change_origin = source->origin();
  request.change_kind = static_cast<int>(source->origin().kind);
  request.repository.log().Info("changes since backup \"" + wanted.parent.label + "\" are found by " +
                                std::string(ChangeKindName(source->origin().kind)) + ": " + source->origin().why);
  return source;
}

Result<ChangePlan> MakeChangePlan(const CopyRequest& request, const ChangeSource* source, CopiedFiles& copied,
                                  const OpContext& ctx) {
  copied.boot_id = CurrentBootId();
  if (request.resumed != nullptr) return PlanResume(copied.directory.files, *request.resumed);
  if (source == nullptr) return ChangePlan{};
  const BackupManifest& parent = request.parent->manifest;
  const BackupStart& start = request.start;
  const std::vector<MappedFile>& files = copied.directory.files;
  const bool stamps_hold = source->trusts_stamps() && !copied.boot_id.empty() && copied.boot_id == parent.boot_id;
  // Whoever wants a proof wants to see everything.
  PITR_ASSIGN(copied.pages, PlanPages(files, *request.parent, *source, stamps_hold && !request.options.verify_changes));
  request.repository.log().Info("of the file map of backup \"" + parent.label + "\" " +
                                std::to_string(copied.pages.kept_count()) + " of " +
                                std::to_string(copied.pages.kept.size()) + " pages are taken over unread");
  PITR_ASSIGN(ParentMap map, ParentMap::Load(request.repository, *request.parent, copied.pages, ctx));
  copied.parent = std::make_unique<ParentMap>(std::move(map));
  PITR_ASSIGN(ChangePlan plan, PlanChanges(files, copied.pages, *copied.parent, *source, stamps_hold));
  plan.page_rule = {parent.start_lsn, Lsn{parent.cluster.segment_size_bytes}};
  plan.verify = request.options.verify_changes;
  plan.hints_may_differ = !start.data_checksums || parent.stop_timeline != start.timeline;
  return plan;
}

}  // namespace

Result<CopiedFiles> RunCopy(const CopyRequest& request, const OpContext& ctx) {
  CopiedFiles copied;
  const Repository& repository = request.repository;
  PITR_ASSIGN(const ControlData control, CheckControlFile(repository, request.start.data_directory, ctx));
  PITR_ASSIGN(const std::unique_ptr<ChangeSource> source, ChooseSource(request, copied, ctx));
  PITR_ASSIGN(copied.directory,
              ScanDataDirectory(request.start.data_directory,
                                TablespaceVersionDirectory(control.pg_major, control.catalog_version), ctx));
  PITR_TRY(CheckEssentialFiles(copied.directory.files, {}));
  const uint32_t control_index = AddControlFile(copied.directory.files);
  PITR_ASSIGN(const ChangePlan changes, MakeChangePlan(request, source.get(), copied, ctx));
  SetTotals(copied.directory, changes, request.progress);
  request.record.Begin(copied.directory.total_bytes, *ctx.clock);
  const WorkPlan plan =
      PlanWork(copied.directory.files, request.options.jobs, [&](uint32_t i) { return changes.Skips(i); });

  CancelToken stop;
  ReferenceFindings references;
  const int job_count = request.options.jobs;
  PITR_ASSIGN(const std::unique_ptr<ThreadPool> pool, ThreadPool::Start(job_count * kPartsInFlightPerJob));
  CopyShared shared{repository,
                    copied.directory,
                    plan,
                    changes,
                    control_index,
                    control.system_id,
                    request.start.start_lsn,
                    request.start.data_checksums,
                    request.packs,
                    request.record,
                    references,
                    request.pages,
                    *request.options.rate,
                    *pool,
                    request.progress,
                    {ctx.clock, &stop, ctx.deadline_millis}};
  shared.running = job_count;
  std::vector<std::unique_ptr<CopyJob>> jobs;
  for (int i = 0; i < job_count; i++) jobs.push_back(std::make_unique<CopyJob>(shared));
  PITR_TRY(RunJobs(jobs, stop, ctx));
  if (copied.change_origin) PITR_TRY(references.ToStatus(*copied.change_origin, request.parent->manifest.label));
  PITR_TRY(Assemble(jobs, request, changes, copied));
  return copied;
}

}  // namespace pitr
