// pg_pitr key: adds and removes passphrases of an encrypted repository, without rewriting data; writes a recovery kit
// and brings back what it holds.
#include <algorithm>
#include <filesystem>

#include "cli/print.h"
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/describe_size.h"
#include "core/base/secret_file.h"
#include "core/base/text_page.h"
#include "core/config/store_config.h"
#include "core/pg/timestamp.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/recovery_kit.h"
#include "core/store/open.h"

namespace pitr::cli {
namespace {

struct KeyOptions {
  std::string file;
  bool force = false;
};

Result<Reply> Add(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(options.file, "passphrase file"));
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  PITR_ASSIGN(const KeySlot slot, AddPassphrase(*repository, passphrase.view(), session.ctx()));
  return Reply{"added (" + slot.object_key() + "): the passphrase in \"" + options.file +
                   "\" opens the repository now, as the others do\n",
               {{"slot", slot.object_key()}, {"file", options.file}},
               kExitOk,
               {}};
}

// Whoever uses these settings could not open the repository any more.
Status CheckNotInUse(const Session& session, const KeyOptions& options, const Config& config,
                     const Secret& passphrase) {
  if (options.force) return Status::Ok();
  PITR_ASSIGN(const Secret used, ReadSecretFile(config.passphrase_file, "passphrase file"));
  if (used.view() != passphrase.view()) return Status::Ok();
  return Status(Code::kInvalidArgument, "the passphrase in \"" + options.file + "\" is the one in use")
      .WithDetail("Settings file \"" + session.config_path() + "\" names \"" + config.passphrase_file +
                  "\", which holds it; archiving and backups would fail.")
      .WithHint(
          "Point pg_pitr.passphrase_file at another one that opens the repository (pg_pitr key list) on every "
          "machine first, and reload the servers; or insist with --force.");
}

Result<Reply> Remove(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Secret passphrase, ReadSecretFile(options.file, "passphrase file"));
  PITR_ASSIGN(const Config config, session.LoadConfig(SettingsFor::kStoring));
  PITR_ASSIGN(const auto repository, session.OpenRepository(config));
  // The last one is refused whatever is insisted on, and says so first.
  PITR_ASSIGN(const auto slots, ListKeySlots(*repository, passphrase.view(), session.ctx()));
  const bool other = std::any_of(slots.begin(), slots.end(),
                                 [](const ListedKeySlot& slot) { return slot.damage.ok() && !slot.opened; });
  if (other) PITR_TRY(CheckNotInUse(session, options, config, passphrase));
  auto done = RemovePassphrase(*repository, passphrase.view(), session.ctx());
  if (!done.ok()) return std::move(done).status().Annotate("removing the passphrase in \"" + options.file + "\"");
  const int removed = done.value();
  return Reply{"removed " + DescribeCount(static_cast<uint64_t>(removed), "key slot", "key slots") +
                   ": the passphrase in \"" + options.file + "\" does not open the repository any more\n",
               {{"removed_slots", removed}, {"file", options.file}},
               kExitOk,
               {}};
}

std::string KeySlotsText(const std::vector<ListedKeySlot>& slots, const std::string& in_use, size_t width) {
  TableRows rows = {{"slot", "added", "passphrase"}};
  for (const ListedKeySlot& slot : slots)
    rows.push_back({slot.object_key, slot.damage.ok() ? DescribeToSecond(slot.created_micros) : "?",
                    !slot.damage.ok() ? slot.damage.message()
                    : slot.opened     ? "in use: " + in_use
                                      : ""});
  return FitTable(rows, {0, 1, 2}, 0, width);
}

nlohmann::ordered_json KeySlotsJson(const std::vector<ListedKeySlot>& slots) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ListedKeySlot& slot : slots) {
    nlohmann::ordered_json created, problem;
    if (slot.damage.ok()) created = FormatIso8601(slot.created_micros);
    if (!slot.damage.ok()) problem = slot.damage.message();
    list.push_back({{"slot", slot.object_key}, {"created", created}, {"in_use", slot.opened}, {"problem", problem}});
  }
  return list;
}

Result<Reply> List(const Invocation& invocation, const KeyOptions&) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, session.LoadConfig());
  PITR_ASSIGN(const auto repository, session.OpenRepository(config));
  std::vector<ListedKeySlot> slots;
  if (repository->key() != nullptr) {
    PITR_ASSIGN(const Secret used, ReadSecretFile(config.passphrase_file, "passphrase file"));
    PITR_ASSIGN(slots, ListKeySlots(*repository, used.view(), session.ctx()));
  }
  const bool encrypted = repository->key() != nullptr;
  return Reply{encrypted ? KeySlotsText(slots, config.passphrase_file, PageWidth())
                         : "repository " + repository->store().Describe() + " is not encrypted\n",
               {{"repository", repository->store().Describe()},
                {"encrypted", encrypted},
                {"passphrase_file", config.passphrase_file},
                {"slots", KeySlotsJson(slots)}},
               kExitOk,
               {}};
}

Result<Reply> Export(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository());
  PITR_ASSIGN(const RecoveryKit kit, ReadRecoveryKit(repository->store(), session.ctx()));
  std::error_code ignored;
  if (std::filesystem::exists(options.file, ignored))
    return Status(Code::kAlreadyExists, "file \"" + options.file + "\" exists already")
        .WithHint("Name another one, or remove it first.");
  PITR_TRY(WriteRecoveryKit(options.file, kit));
  return Reply{"\"" + options.file + "\" holds the marker" + (kit.marker.encrypted ? " and the key slots" : "") +
                   " of repository " + kit.url + "; keep it where the repository is not\n",
               {{"file", options.file}, {"repository", kit.url}, {"encrypted", kit.marker.encrypted}},
               kExitOk,
               {}};
}

// The repository cannot be opened: that is what the kit is for.
Result<Reply> Import(const Invocation& invocation, const KeyOptions& options) {
  Session session(invocation);
  PITR_ASSIGN(const Config config, session.LoadConfig(SettingsFor::kStoring));
  PITR_ASSIGN(const RecoveryKit kit, ReadRecoveryKitFile(options.file));
  PITR_ASSIGN(StoreConfig settings, MakeStoreConfig(config));
  settings.s3.conditional_create = kit.marker.conditional_create;
  PITR_ASSIGN(const auto store, OpenStore(settings, session.log()));
  PITR_ASSIGN(const std::vector<std::string> created,
              ImportRecoveryKit(*store, kit, config.passphrase_file, session.ctx()));
  std::string text = created.empty() ? "nothing was missing\n" : "";
  for (const std::string& key : created) text += "written: " + key + "\n";
  Reply reply{text, {{"repository", store->Describe()}, {"written", created}}, kExitOk, {}};
  // What was written is told although it is of no use.
  reply.error = session.OpenRepository(config).status();
  if (reply.error.ok())
    reply.text += "repository " + store->Describe() +
                  " can be opened. A server that archives to it goes on by itself, within a minute as a rule; at once "
                  "after SELECT pg_switch_wal().\n";
  return reply;
}

template <class Act>
void AddAction(CLI::App& verb, Invocation& invocation, const char* name, const char* about, const char* file, Act act) {
  auto* action = verb.add_subcommand(name, about);
  auto options = std::make_shared<KeyOptions>();
  AddConfigOption(*action, invocation);
  const std::string_view called(name);
  if (called == "list") {
    AddPageOptions(*action, invocation);
  } else {
    AddJsonOption(*action, invocation);
    action->add_option("file", options->file, file)->required()->type_name("FILE");
  }
  if (called == "remove")
    action->add_flag("--force", options->force, "Also the passphrase that the settings name; never the last one");
  action->callback([&invocation, options, act] {
    invocation.run = [&invocation, options, act] { return GiveReply(invocation, act(invocation, *options)); };
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
      "add the new one, point pg_pitr.passphrase_file at it on every machine, then remove the old one. The last "
      "passphrase cannot be "
      "removed, and the one that the settings name only with --force.\n"
      "Without any passphrase the backups are lost: keep one where the repository is not.\n"
      "A repository whose marker or key slots were deleted is lost as well, unless they are written again: the server "
      "keeps them in its data directory (pg_pitr.kit), and export writes them to a file for a safe. It is of no use "
      "without "
      "a passphrase.");
  AddAction(*verb, invocation, "list", "Show the key slots: each is a passphrase that opens the repository", "", List);
  const char* passphrase = "File that holds the passphrase: one line, readable by its owner only";
  AddAction(*verb, invocation, "add", "Let one more passphrase open the repository", passphrase, Add);
  AddAction(*verb, invocation, "remove", "Stop a passphrase from opening the repository", passphrase, Remove);
  AddAction(*verb, invocation, "export", "Write the marker and the key slots to a file: a recovery kit",
            "The file to be written; it must not exist", Export);
  AddAction(*verb, invocation, "import", "Write marker and key slots again where they are lost; nothing is replaced",
            "A recovery kit: of key export, or pg_pitr.kit in the data directory of a server that archives", Import);
}

}  // namespace pitr::cli
