// pg_pitr key: adds and removes passphrases of an encrypted repository. Data is not rewritten.
#include <cstdio>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "core/base/secret_file.h"
#include "core/repo/keyring.h"

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

template <class Act>
void AddAction(CLI::App& verb, Invocation& invocation, const char* name, const char* about, Act act) {
  auto* action = verb.add_subcommand(name, about);
  auto options = std::make_shared<KeyOptions>();
  AddConfigOption(*action, invocation);
  action->add_option("file", options->file, "File that holds the passphrase: one line, readable by its owner only")
      ->required()
      ->type_name("FILE");
  action->callback([&invocation, options, act] {
    invocation.run = [&invocation, options, act] { return ExitOf(act(invocation, *options)); };
  });
}

}  // namespace

void AddKey(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("key", "Add or remove a passphrase of an encrypted repository");
  verb->require_subcommand(1);
  verb->footer(
      "Every passphrase opens the same repository key, so nothing that is stored is rewritten. To change a passphrase: "
      "add the new one,\n"
      "point pg_pitr.passphrase_file at it on every machine, then remove the old one. The last passphrase cannot be "
      "removed.\n"
      "Without any passphrase the backups are lost: keep one where the repository is not.");
  AddAction(*verb, invocation, "add", "Let one more passphrase open the repository", Add);
  AddAction(*verb, invocation, "remove", "Stop a passphrase from opening the repository", Remove);
}

}  // namespace pitr::cli
