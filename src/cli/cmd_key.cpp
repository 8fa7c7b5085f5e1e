// pg_pitr key: adds and removes passphrases of an encrypted repository, without rewriting data; writes a recovery kit
// and brings back what it holds.
#include <cstdio>
#include <filesystem>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "core/base/secret_file.h"
#include "core/config/store_config.h"
#include "core/repo/keyring.h"
#include "core/repo/recovery_kit.h"
#include "core/store/open.h"

namespace pitr::cli {
namespace {

struct KeyOptions {
  std::string file;
};

Status Add(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(options.file, "passphrase file"));
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const KeySlot slot, AddPassphrase(*repository, passphrase.view(), session.ctx()));
  std::printf("added (%s): the passphrase in \"%s\" opens the repository now, as the others do\n",
              slot.object_key().c_str(), options.file.c_str());
  return Status::Ok();
}

Status Remove(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(options.file, "passphrase file"));
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const int removed, RemovePassphrase(*repository, passphrase.view(), session.ctx()));
  std::printf("removed %d key slot%s: the passphrase in \"%s\" does not open the repository any more\n", removed,
              removed == 1 ? "" : "s", options.file.c_str());
  return Status::Ok();
}

Status Export(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const RecoveryKit kit, ReadRecoveryKit(repository->store(), session.ctx()));
  std::error_code ignored;
  if (std::filesystem::exists(options.file, ignored))
    return Status(Code::kAlreadyExists, "file \"" + options.file + "\" exists already")
        .WithHint("Name another one, or remove it first.");
  PITR_TRY(WriteRecoveryKit(options.file, kit));
  std::printf("\"%s\" holds the marker%s of repository %s; keep it where the repository is not\n", options.file.c_str(),
              kit.marker.encrypted ? " and the key slots" : "", kit.url.c_str());
  return Status::Ok();
}

// The repository cannot be opened: that is what the kit is for.
Status Import(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, session.LoadConfig());
  PITR_ASSIGN(const RecoveryKit kit, ReadRecoveryKitFile(options.file));
  PITR_ASSIGN(StoreConfig settings, MakeStoreConfig(config));
  settings.s3.conditional_create = kit.marker.conditional_create;
  PITR_ASSIGN(const auto store, OpenStore(settings, session.log()));
  PITR_ASSIGN(const std::vector<std::string> created, ImportRecoveryKit(*store, kit, session.ctx()));
  for (const std::string& key : created) std::printf("written: %s\n", key.c_str());
  if (created.empty()) std::printf("nothing was missing\n");
  PITR_TRY(session.OpenRepository(config).status());
  std::printf("repository %s can be opened; archiving to it goes on by itself\n", store->Describe().c_str());
  return Status::Ok();
}

template <class Act>
void AddAction(CLI::App& verb, Invocation& invocation, const char* name, const char* about, const char* file, Act act) {
  auto* action = verb.add_subcommand(name, about);
  auto options = std::make_shared<KeyOptions>();
  AddConfigOption(*action, invocation);
  action->add_option("file", options->file, file)->required()->type_name("FILE");
  action->callback([&invocation, options, act] {
    invocation.run = [&invocation, options, act] { return ExitOf(act(invocation, *options)); };
  });
}

}  // namespace

void AddKey(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "key", "Add or remove a passphrase of an encrypted repository; keep and bring back what opens it");
  verb->require_subcommand(1);
  AddConfigOption(*verb, invocation);
  verb->footer(
      "Every passphrase opens the same repository key, so nothing that is stored is rewritten. To change a passphrase: "
      "add the new one,\n"
      "point pg_pitr.passphrase_file at it on every machine, then remove the old one. The last passphrase cannot be "
      "removed.\n"
      "Without any passphrase the backups are lost: keep one where the repository is not.\n"
      "A repository whose marker or key slots were deleted is lost as well, unless they are written again: the server "
      "keeps\n"
      "them in its data directory (pg_pitr.kit), and export writes them to a file for a safe. It is of no use without "
      "a passphrase.");
  const char* passphrase = "File that holds the passphrase: one line, readable by its owner only";
  AddAction(*verb, invocation, "add", "Let one more passphrase open the repository", passphrase, Add);
  AddAction(*verb, invocation, "remove", "Stop a passphrase from opening the repository", passphrase, Remove);
  AddAction(*verb, invocation, "export", "Write the marker and the key slots to a file: a recovery kit",
            "The file to be written; it must not exist", Export);
  AddAction(*verb, invocation, "import", "Write marker and key slots again where they are lost; nothing is replaced",
            "A recovery kit: of key export, or pg_pitr.kit in the data directory of a server that archives", Import);
}

}  // namespace pitr::cli
