// pg_pitr version: this program's version and the repository format it writes.
#include <string>

#include "cli/reply.h"
#include "cli/verbs.h"
#include "core/base/version.h"
#include "core/repo/envelope/object_codec.h"

namespace pitr::cli {

void AddVersion(CLI::App& app, Invocation& invocation) {
  const std::string text = "pg_pitr " + std::string(kToolVersion) + " (repository format " +
                           std::to_string(kFormatVersion) + ", PostgreSQL 15 to 19)";
  app.set_version_flag("-V,--version", text);
  auto* verb = app.add_subcommand("version", "Print the version");
  AddJsonOption(*verb, invocation);
  verb->callback([&invocation, text] {
    invocation.run = [&invocation, text] {
      return GiveReply(invocation, Reply{text + "\n",
                                         {{"version", kToolVersion},
                                          {"repository_format", kFormatVersion},
                                          {"postgresql_oldest", 15},
                                          {"postgresql_newest", 19}},
                                         kExitOk,
                                         {}});
    };
  });
}

}  // namespace pitr::cli
