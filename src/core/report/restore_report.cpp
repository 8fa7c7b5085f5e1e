#include "core/report/restore_report.h"

#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/base/json_page.h"
#include "core/pg/timestamp.h"
#include "core/report/json_values.h"
#include "core/report/plan_report.h"

namespace pitr {

std::string DescribeRestore(const RestoreResult& result, const std::string& data_directory, int64_t millis) {
  std::string text = "restored " + DescribeCount(result.files, "file", "files") + " into " + data_directory + " in " +
                     DescribeMillis(millis) + ": ";
  if (result.bytes_compared > 0) text += DescribeBytes(result.bytes_compared) + " compared, ";
  text += DescribeBytes(result.bytes_fetched) + " fetched, " + DescribeBytes(result.bytes_written) + " written";
  if (const std::string rate = DescribeRate(result.bytes_compared + result.bytes_written, millis); !rate.empty())
    text += " (" + rate + ")";
  if (result.files_kept > 0)
    text += ", " + DescribeCount(result.files_kept, "file was", "files were") + " right already";
  if (result.files_removed > 0) text += ", " + std::to_string(result.files_removed) + " removed";
  text += "\n";
  if (result.held_until_micros != 0)
    text += "Until " + DescribeToSecond(result.held_until_micros) +
            " no expiry deletes the backup or the WAL after it. Should the replay take longer, pin the backup.\n";
  return text + DescribeNotes(result.notes);
}

std::string DescribeNotes(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += "NOTE: " + note + "\n";
  return text;
}

namespace {

constexpr const char* kNotChecked[] = {
    ("the content of the backup's files and of WAL, which is proved when it is restored and replayed (pg_pitr verify "
     "reads it without a restore)"),
    "writing: nothing was tried, neither in these directories nor in the repository",
    "whether the server starts there: its programs, libraries, locales, memory and configuration",
};

}  // namespace

std::string DescribeDryRun() {
  std::string text =
      "dry run: all that a restore checks before it writes is in order; nothing was written.\nNot checked:\n";
  for (const char* what : kNotChecked) text += std::string("  ") + what + "\n";
  return text;
}

OrderedJson RestoreJson(const RestorePlan& plan, const std::string& config_path, const RestoreResult& result,
                        const RestoreOptions& options, int64_t millis) {
  return {{"plan", PlanJson(plan, config_path, options.tablespace_map)},
          {"restore",
           {{"data_directory", options.data_directory},
            {"files", result.files},
            {"files_kept", result.files_kept},
            {"files_removed", result.files_removed},
            {"set_aside", result.set_aside},
            {"set_aside_directory", JsonOrNull(result.aside_directory)},
            {"bytes_compared", result.bytes_compared},
            {"bytes_fetched", result.bytes_fetched},
            {"bytes_written", result.bytes_written},
            {"milliseconds", millis},
            {"held_until", JsonTime(result.held_until_micros)},
            {"start_command", result.start.command},
            {"notes", result.notes}}}};
}

OrderedJson DryRunJson(const RestorePlan& plan, const std::string& config_path, const RestoreOptions& options,
                       const std::vector<std::string>& notes) {
  return {{"plan", PlanJson(plan, config_path, options.tablespace_map)},
          {"restore", nullptr},
          {"dry_run", {{"data_directory", options.data_directory}, {"notes", notes}, {"not_checked", kNotChecked}}}};
}

}  // namespace pitr
