// pitr_verify() and pitr_verifications(): whether the repository holds what recoveries need, and what was found before.
#include "core/base/job_limit.h"
#include "core/report/verify_report.h"
#include "server/encoding.h"
#include "server/on_repository.h"
#include "server/rows.h"

namespace pitr::server {
namespace {

// Arguments of pitr_verify(), by position.
enum Argument { kLabel, kWal, kQuick, kSample, kSeed, kJobs, kMaxRate, kRestart };

Result<VerifyOptions> OptionsFrom(FunctionCallInfo fcinfo, const Config& config) {
  VerifyOptions options;
  VerifyRequest& request = options.request;
  const auto flag = [&](int n) { return !PG_ARGISNULL(n) && PG_GETARG_BOOL(n); };
  request.label = TextArgument(fcinfo, kLabel);
  if (!PG_ARGISNULL(kLabel)) request.scope = VerifyScope::kBackup;
  if (flag(kWal)) {
    if (!PG_ARGISNULL(kLabel)) return Status(Code::kInvalidArgument, "label and wal cannot be given together");
    request.scope = VerifyScope::kWal;
  }
  if (!PG_ARGISNULL(kSample)) {
    if (flag(kQuick)) return Status(Code::kInvalidArgument, "quick and sample cannot be given together");
    request.mode = VerifyMode::kSample;
    request.sample_percent = PG_GETARG_FLOAT8(kSample);
  } else if (flag(kQuick)) {
    request.mode = VerifyMode::kQuick;
  }
  if (!PG_ARGISNULL(kSeed)) {
    if (request.mode != VerifyMode::kSample || PG_GETARG_INT64(kSeed) < 0)
      return Status(Code::kInvalidArgument, "seed must be a number that is not negative, and belongs to sample");
    request.seed = static_cast<uint64_t>(PG_GETARG_INT64(kSeed));
  }
  options.jobs = PG_ARGISNULL(kJobs) ? config.verify_jobs : PG_GETARG_INT32(kJobs);
  if (options.jobs < 1 || options.jobs > kMaxJobs)
    return Status(Code::kInvalidArgument, "jobs must be from 1 to " + std::to_string(kMaxJobs));
  const int rate = PG_ARGISNULL(kMaxRate) ? config.verify_max_rate_kb : PG_GETARG_INT32(kMaxRate);
  if (rate < 0) return Status(Code::kInvalidArgument, "max_rate must not be negative");
  options.max_bytes_per_second = static_cast<uint64_t>(rate) * 1024;
  options.restart = flag(kRestart);
  return options;
}

// The text form of an array of texts.
std::string ArrayText(const std::vector<std::string>& texts) {
  std::string array = "{";
  for (const std::string& text : texts) {
    array += array.size() > 1 ? ",\"" : "\"";
    for (char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

Row CellsOf(const Finding& finding) {
  const bool placed = finding.end != 0;
  return {Cell(std::string(SeverityName(finding.severity))),
          TextOrNull(finding.problem),
          TextOrNull(finding.object),
          placed ? NumberCell(finding.begin) : Cell(),
          placed ? NumberCell(finding.end) : Cell(),
          TextOrNull(finding.detail),
          Cell(ArrayText(finding.files)),
          Cell(ArrayText(finding.labels)),
          TextOrNull(finding.hurts),
          TextOrNull(finding.hint)};
}

void Notice(const std::string& text) {
  const std::string converted = ToServerEncoding(text);
  const char* message = converted.c_str();
  PgCall([message] { ereport(NOTICE, (errmsg("%s", message))); });
}

// A line for each finding, as far as anybody reads them, and one for the whole.
void GiveNotice(const VerifyReport& report) {
  constexpr size_t kNoticed = 20;
  const std::vector<Finding>& findings = report.record.findings;
  for (const std::string& note : report.notes) Notice(note);
  for (size_t i = 0; i < findings.size() && i < kNoticed; ++i)
    Notice(std::string(SeverityName(findings[i].severity)) + ": " + findings[i].object + ": " + findings[i].detail);
  if (findings.size() > kNoticed) Notice("and " + std::to_string(findings.size() - kNoticed) + " more");
  Notice("verification, " + DescribeVerify(report.record));
}

Row CellsOf(const VerifyRecord& record) {
  const VerifyRequest& request = record.request;
  const bool sampled = request.mode == VerifyMode::kSample;
  Coverage packs;
  std::vector<std::string> labels;
  for (const auto& [label, coverage] : record.backups) {
    labels.push_back(label);
    packs.bytes += coverage.bytes;
    packs.bytes_read += coverage.bytes_read;
  }
  return {NumberCell(record.run),
          TimestampOrNull(record.started_micros),
          record.finished ? TimestampOrNull(record.ended_micros) : Cell(),
          record.finished ? Cell(std::string(VerifyOutcomeName(OutcomeOf(record.counts)))) : Cell("unfinished"),
          Cell(std::string(VerifyModeName(request.mode))),
          Cell(std::string(VerifyScopeName(request.scope))),
          sampled ? Cell(std::to_string(request.sample_percent)) : Cell(),
          sampled ? NumberCell(request.seed.value_or(0)) : Cell(),
          Cell(ArrayText(labels)),
          NumberCell(packs.bytes),
          NumberCell(packs.bytes_read),
          NumberCell(record.wal.objects),
          NumberCell(record.wal.bytes),
          NumberCell(record.wal.bytes_read),
          NumberCell(record.counts.damage),
          NumberCell(record.counts.unchecked),
          NumberCell(record.counts.warnings)};
}

}  // namespace

PITR_FUNCTION(pitr_verify) {
  const Config config = CurrentConfig();
  PITR_ASSIGN(const VerifyOptions options, OptionsFrom(fcinfo, config));
  struct Run {
    Config config;
    VerifyOptions options;
    std::unique_ptr<Progress> progress = std::make_unique<Progress>();
  };
  auto report = ComputeInterruptibly<VerifyReport>(std::make_shared<QueuedLog>(), Run{config, options},
                                                   [](Run& run, Log& log, const OpContext& ctx) {
                                                     return RunVerify(run.config, run.options, *run.progress, log, ctx);
                                                   });
  if (!report.ok()) return std::move(report).status().Annotate("the repository could not be verified");
  GiveNotice(report.value());
  std::vector<Row> rows;
  for (const Finding& finding : report.value().record.findings) rows.push_back(CellsOf(finding));
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

PITR_FUNCTION(pitr_verifications) {
  PITR_ASSIGN(const VerifyRecords records,
              OnRepository<VerifyRecords>(Nothing(), [](const Repository& repository, Nothing&, const OpContext& ctx) {
                return LoadVerifyRecords(repository, ctx);
              }));
  std::vector<Row> rows;
  for (const VerifyRecord& record : records.results) rows.push_back(CellsOf(record));
  for (const VerifyRecord& record : records.unfinished) rows.push_back(CellsOf(record));
  ReturnRows(fcinfo, rows);
  return Status::Ok();
}

}  // namespace pitr::server
