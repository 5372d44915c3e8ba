#include "probe/export/ipfix.h"

#include <fixbuf/public.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/ip_address.h"
#include "probe/base/time.h"
#include "probe/export/exported_event.h"
#include "probe/export/ipfix_elements.h"
#include "probe/export/mapping.h"

namespace dpi {
namespace {

// Of one text: all of a record's fit into one message of 65,535 bytes (RFC 7011, 3.1), whatever was
// on the wire.
constexpr std::size_t text_bytes_max = 2048;
constexpr std::uint16_t first_template = 257;
constexpr std::uint16_t types_template = 256;  // of the RFC 5610 records

// Where an element's value comes from; empty: from the envelope.
struct Field {
  const IpfixElement* element;
  std::string_view member;
};

struct RecordKind {
  const RowMapping* row;
  bool v6;
  std::uint16_t template_id;
  std::vector<Field> fields;
};

std::uint16_t field_bytes(const IpfixElement& element) {
  return element.bytes == 0 ? std::uint16_t{FB_IE_VARLEN} : element.bytes;
}

// What it is in memory: a variable text is a length and a pointer.
std::size_t bytes_in_memory(const IpfixElement& element) {
  return element.bytes == 0 ? sizeof(fbVarfield_t) : element.bytes;
}

// Large ones first, so that each lies as the processor likes it.
std::vector<Field> fields_of(const RowMapping& row, bool v6) {
  std::vector<Field> out;
  for (const std::string_view name : {ipfix_instance, ipfix_sequence, ipfix_sha256})
    out.push_back({ipfix_element(name), {}});
  for (const Mapping& mapping : row.members) {
    const IpfixElement* const element = ipfix_element(mapping.ipfix);
    if (element == nullptr || element->type == (v6 ? IpfixType::ipv4 : IpfixType::ipv6)) continue;
    out.push_back({element, mapping.member});
  }
  std::ranges::stable_sort(out, std::ranges::greater{},
                           [](const Field& f) { return bytes_in_memory(*f.element); });
  return out;
}

// RFC 5102, 5.11.3: idle 1, active 2, end of flow 3, forced 4, lack of resources 5.
std::uint64_t end_reason(std::string_view word) {
  if (word == "idle") return 1;
  if (word == "active") return 2;
  if (word == "forced") return 4;
  return word == "evicted" ? 5 : 3;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::uint64_t unsigned_value(IpfixType type, const JsonNode* node) {
  const std::string_view text = node == nullptr ? std::string_view{} : node->text;
  switch (type) {
    case IpfixType::boolean_number:
      return text == "true" ? 1 : 2;
    case IpfixType::milliseconds: {
      const auto time = parse_time(text);
      return time ? static_cast<std::uint64_t>(nanoseconds(*time) / 1'000'000) : 0;
    }
    case IpfixType::end_reason:
      return end_reason(text);
    case IpfixType::transport:
      return text == "udp" ? 17 : text == "tcp" ? 6 : number_in(text);
    case IpfixType::first_number:
      return text.size() > 1 ? number_in(text.substr(1)) : 0;
    default:
      return number_in(text);
  }
}

// pct-text is not cut inside one of its triplets.
std::string_view cut(std::string_view text) {
  if (text.size() <= text_bytes_max) return text;
  text = text.substr(0, text_bytes_max);
  const std::size_t percent = text.rfind('%');
  return percent != std::string_view::npos && text.size() - percent < 3 ? text.substr(0, percent)
                                                                        : text;
}

// One record as the library takes it: values one behind the other, in the processor's order.
class RecordMemory {
 public:
  void clear() { bytes_.clear(); }
  void put(const void* value, std::size_t bytes) {
    const auto* const first = static_cast<const std::uint8_t*>(value);
    bytes_.insert(bytes_.end(), first, first + bytes);
  }
  void number(std::uint64_t value, std::size_t bytes) {
    switch (bytes) {
      case 1:
        return put_as<std::uint8_t>(value);
      case 2:
        return put_as<std::uint16_t>(value);
      default:
        return put_as<std::uint64_t>(value);
    }
  }
  // Views the text.
  void text(std::string_view value) {
    const fbVarfield_t field{.len = value.size(),
                             .buf = const_cast<std::uint8_t*>(as_bytes(value).data())};
    put(&field, sizeof(field));
  }
  [[nodiscard]] std::uint8_t* data() noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  // What is too large for its field is the largest that fits.
  template <class Integer>
  void put_as(std::uint64_t value) {
    const auto fits =
        static_cast<Integer>(std::min<std::uint64_t>(value, std::numeric_limits<Integer>::max()));
    put(&fits, sizeof(fits));
  }
  std::vector<std::uint8_t> bytes_;
};

struct FreeBuffer {
  void operator()(fBuf_t* buffer) const noexcept { fBufFree(buffer); }
};
struct FreeModel {
  void operator()(fbInfoModel_t* model) const noexcept { fbInfoModelFree(model); }
};

struct CloseFile {
  void operator()(FILE* file) const noexcept { std::fclose(file); }
};

ssize_t keep(void* messages, const char* bytes, std::size_t size) {
  static_cast<std::string*>(messages)->append(bytes, size);
  return static_cast<ssize_t>(size);
}

// The library's error as a text; it is freed.
std::string text_of_error(GError*& error) {
  std::string out = error != nullptr ? error->message : "no reason is given";
  g_clear_error(&error);
  return out;
}

std::uint8_t rfc5610_type(const IpfixElement& element) {
  switch (element.type) {
    case IpfixType::text:
      return FB_STRING;
    case IpfixType::octets:
      return FB_OCTET_ARRAY;
    case IpfixType::boolean_number:
      return FB_BOOL;
    default:
      return element.bytes == 2 ? FB_UINT_16 : FB_UINT_64;
  }
}

}  // namespace

struct IpfixFormat::Impl {
  std::unique_ptr<fbInfoModel_t, FreeModel> model{fbInfoModelAlloc()};  // outlives the buffer
  std::string messages;  // whole ones, where the library believes to write a file
  std::unique_ptr<FILE, CloseFile> file;
  std::unique_ptr<fBuf_t, FreeBuffer> buffer;  // owns its session
  fbSession_t* session = nullptr;
  std::vector<RecordKind> kinds;
  ExportedEvent event;
  RecordMemory record;
  bool begun = false;  // templates are out
  bool open = false;   // the message has a record

  [[nodiscard]] Result<void> add_templates();
  [[nodiscard]] fbTemplate_t* new_template(const RecordKind& kind, GError** error) const;
  void add_elements(std::uint32_t enterprise_number);
  void fill(const RecordKind& kind);
  void fill_field(const Field& field);
  [[nodiscard]] Result<void> put(const RecordKind& kind);
};

IpfixFormat::IpfixFormat(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IpfixFormat::~IpfixFormat() = default;

void IpfixFormat::Impl::add_elements(std::uint32_t enterprise_number) {
  for (const IpfixElement& element : ipfix_elements()) {
    if (element.own_id == 0) continue;
    // The library copies both texts; views of ours are whole literals, so they end with a zero.
    fbInfoElement_t own{};
    own.ref.name = element.name.data();
    own.ent = enterprise_number;
    own.num = element.own_id;
    own.len = field_bytes(element);
    own.flags = element.type == IpfixType::unsigned_number ? FB_IE_F_ENDIAN : 0;
    own.type = rfc5610_type(element);
    own.description = element.says.data();
    fbInfoModelAddElement(model.get(), &own);
  }
}

fbTemplate_t* IpfixFormat::Impl::new_template(const RecordKind& kind, GError** error) const {
  fbTemplate_t* const out = fbTemplateAlloc(model.get());
  for (const Field& field : kind.fields) {
    fbInfoElementSpec_t spec{.name = const_cast<char*>(field.element->name.data()),
                             .len_override = field_bytes(*field.element),
                             .flags = 0};
    if (fbTemplateAppendSpec(out, &spec, 0, error) == FALSE) {
      fbTemplateFreeUnused(out);
      return nullptr;
    }
  }
  return out;
}

// The same template says how a record lies in memory and how it goes out.
Result<void> IpfixFormat::Impl::add_templates() {
  GError* error = nullptr;
  if (fbSessionSetMetadataExportElements(session, TRUE, types_template, &error) == 0)
    return fail(Errc::failure, "IPFIX: " + text_of_error(error));
  std::uint16_t id = first_template;
  for (const std::string_view type : {"dpi.flow", "dpi.dns"}) {
    for (const bool v6 : {false, true}) {
      const RowMapping* const row = row_mapping(type);
      kinds.push_back({row, v6, id++, fields_of(*row, v6)});
      for (const bool internal : {true, false}) {
        fbTemplate_t* const made = new_template(kinds.back(), &error);
        if (made == nullptr ||
            fbSessionAddTemplate(session, internal, kinds.back().template_id, made, &error) == 0)
          return fail(Errc::failure, "IPFIX: " + text_of_error(error));
      }
    }
  }
  return {};
}

Result<std::unique_ptr<IpfixFormat>> IpfixFormat::make(std::uint32_t enterprise_number) {
  auto impl = std::make_unique<Impl>();
  impl->add_elements(enterprise_number);
  impl->session = fbSessionAlloc(impl->model.get());
  if (auto added = impl->add_templates(); !added) return tl::unexpected(added.error());
  impl->file.reset(::fopencookie(
      &impl->messages, "w", {.read = nullptr, .write = keep, .seek = nullptr, .close = nullptr}));
  if (!impl->file) return fail(Errc::failure, "IPFIX: no memory");
  std::setvbuf(impl->file.get(), nullptr, _IONBF, 0);
  impl->buffer.reset(fBufAllocForExport(impl->session, fbExporterAllocFP(impl->file.get())));
  return std::unique_ptr<IpfixFormat>(new IpfixFormat(std::move(impl)));
}

void IpfixFormat::Impl::fill_field(const Field& field) {
  const IpfixElement& element = *field.element;
  if (element.name == ipfix_instance) return record.text(event.said("component_instance_id"));
  if (element.name == ipfix_sequence) return record.number(event.seq(), element.bytes);
  if (element.name == ipfix_sha256) {
    const auto bytes = parse_hex(event.sha256());
    std::array<std::uint8_t, 32> out{};
    if (bytes) std::copy_n(bytes->begin(), std::min(bytes->size(), out.size()), out.begin());
    return record.put(out.data(), out.size());
  }
  if (element.type == IpfixType::text) return record.text(cut(event.text(field.member)));
  if (element.type == IpfixType::ipv4 || element.type == IpfixType::ipv6) {
    const IpAddress address = parse_ip(event.text(field.member)).value_or(IpAddress{});
    if (element.type == IpfixType::ipv6) return record.put(address.bytes.data(), 16);
    std::uint32_t number = 0;  // the library takes it for a number
    for (std::size_t i = 0; i < 4; ++i) number = number << 8U | address.bytes[i];
    return record.put(&number, sizeof(number));
  }
  record.number(unsigned_value(element.type, event.member(field.member)), element.bytes);
}

void IpfixFormat::Impl::fill(const RecordKind& kind) {
  record.clear();
  for (const Field& field : kind.fields) fill_field(field);
}

// The library starts and ends messages as they fill up; each that ends is in `messages`.
Result<void> IpfixFormat::Impl::put(const RecordKind& kind) {
  GError* error = nullptr;
  fBuf_t* const to = buffer.get();
  const auto time = parse_time(event.said("emitted_at"));
  const std::int64_t seconds = time ? nanoseconds(*time) / 1'000'000'000 : 0;
  // Of the message that this record begins, if it begins one. Zero would ask the clock.
  fBufSetExportTime(to, std::max<std::uint32_t>(1, static_cast<std::uint32_t>(seconds)));
  if (!begun && fbSessionExportTemplates(session, &error) == FALSE)
    return fail(Errc::sink, "IPFIX: " + text_of_error(error));
  begun = true;
  if (fBufSetInternalTemplate(to, kind.template_id, &error) == FALSE ||
      fBufSetExportTemplate(to, kind.template_id, &error) == FALSE ||
      fBufAppend(to, record.data(), record.size(), &error) == FALSE) {
    return fail(Errc::sink, fmt::format("event {}: IPFIX: {}", event.seq(), text_of_error(error)));
  }
  open = true;
  return {};
}

Result<void> IpfixFormat::append(std::string& out, std::uint64_t seq, std::string_view envelope,
                                 std::string_view payload) {
  Impl& impl = *impl_;
  if (!impl.event.read(seq, envelope, payload)) return unreadable_event(seq);
  const bool v6 = impl.event.text("src_ip").find(':') != std::string_view::npos;
  const auto kind = std::ranges::find_if(impl.kinds, [&](const RecordKind& k) {
    return k.row->event_type == impl.event.type() && k.v6 == v6;
  });
  if (kind == impl.kinds.end() || impl.event.truth("canary")) return {};
  impl.fill(*kind);
  if (auto put = impl.put(*kind); !put) return put;
  out += std::exchange(impl.messages, {});
  return {};
}

Result<void> IpfixFormat::flush(std::string& out) {
  if (!std::exchange(impl_->open, false)) return {};
  GError* error = nullptr;
  if (fBufEmit(impl_->buffer.get(), &error) == FALSE)
    return fail(Errc::sink, "IPFIX: " + text_of_error(error));
  out += std::exchange(impl_->messages, {});
  return {};
}

}  // namespace dpi
