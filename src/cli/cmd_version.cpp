// pg_pitr version: this program's version and the repository format it writes.
#include <string>

#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "core/base/version.h"
#include "core/repo/object_codec.h"

namespace pitr::cli {

void AddVersion(CLI::App& app, Invocation& invocation) {
  const std::string text = "pg_pitr " + std::string(kToolVersion) + " (repository format " +
                           std::to_string(kFormatVersion) + ", PostgreSQL 15 to 19)";
  app.set_version_flag("-V,--version", text);
  app.add_subcommand("version", "Print the version")->callback([&invocation, text] {
    invocation.run = [text] {
      PrintText(text + "\n");
      return kExitOk;
    };
  });
}

}  // namespace pitr::cli
