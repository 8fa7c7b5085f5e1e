// pg_pitr key: adds and removes passphrases of an encrypted repository, without rewriting data; writes a recovery kit
// and brings back what it holds.
#include <cstdio>
#include <filesystem>

#include "cli/exit_code.h"
#include "cli/print.h"
#include "cli/session.h"
#include "core/base/describe_size.h"
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
  PrintText("added (" + slot.object_key() + "): the passphrase in \"" + options.file +
            "\" opens the repository now, as the others do\n");
  return Status::Ok();
}

Status Remove(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(options.file, "passphrase file"));
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const int removed, RemovePassphrase(*repository, passphrase.view(), session.ctx()));
  PrintText("removed " + DescribeCount(removed, "key slot", "key slots") + ": the passphrase in \"" + options.file +
            "\" does not open the repository any more\n");
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
  PrintText("\"" + options.file + "\" holds the marker" + (kit.marker.encrypted ? " and the key slots" : "") +
            " of repository " + kit.url + "; keep it where the repository is not\n");
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
  PITR_ASSIGN(const std::vector<std::string> created,
              ImportRecoveryKit(*store, kit, config.passphrase_file, session.ctx()));
  for (const std::string& key : created) PrintText("written: " + key + "\n");
  if (created.empty()) PrintText("nothing was missing\n");
  PITR_TRY(session.OpenRepository(config).status());
  PrintText("repository " + store->Describe() +
            " can be opened. A server that archives to it goes on by itself, within a minute as a rule; at once after "
            "SELECT pg_switch_wal().\n");
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
