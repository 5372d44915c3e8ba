#include "dissectors/dns/rdata.h"

#include <optional>

#include "dissectors/dns/rare_types.h"
#include "dissectors/dns/rdata_writer.h"
#include "dissectors/dns/svcb.h"

namespace dpi {
namespace {

void write_soa(RdataWriter& w) {
  w.name();
  w.name();
  for (int i = 0; i < 5; ++i) w.number32();
}

void write_txt(RdataWriter& w) {
  while (w.ok() && w.left() > 0) w.character_string();
}

void write_naptr(RdataWriter& w) {
  w.number16();
  w.number16();
  for (int i = 0; i < 3; ++i) w.character_string();
  w.name();
}

// RFC 4034 §3.2.
void write_rrsig(RdataWriter& w) {
  w.type16();
  w.number8();
  w.number8();
  for (int i = 0; i < 3; ++i) w.number32();
  w.number16();
  w.name();
  w.base64_rest();
}

void write_nsec3(RdataWriter& w, bool parameters_only) {
  w.number8();
  w.number8();
  w.number16();
  w.hex_counted();
  if (parameters_only) return;
  w.base32hex_counted();
  w.type_bitmap();
}

// True when the data followed its type's form to its end; nothing when the type has no form here.
std::optional<bool> write_known(RdataWriter& w, std::uint16_t type) {
  switch (type) {
    case 1:
      w.address(4);
      break;
    case 28:
      w.address(16);
      break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 7:
    case 8:
    case 9:
    case 12:
    case 23:  // NSAP-PTR
    case 39:
      w.name();
      break;
    case 6:
      write_soa(w);
      break;
    case 13:  // HINFO
      w.character_string();
      w.character_string();
      break;
    case 14:  // MINFO
    case 17:  // RP
      w.name();
      w.name();
      break;
    case 15:  // MX
    case 18:  // AFSDB
    case 21:  // RT
    case 36:  // KX
      w.number16();
      w.name();
      break;
    case 16:
    case 56:   // NINFO
    case 99:   // SPF
    case 258:  // AVC
    case 261:  // RESINFO
    case 262:  // WALLET
    case 263:  // CLA
      write_txt(w);
      break;
    case 11:
      write_wks(w);
      break;
    case 19:  // X25
      w.character_string();
      break;
    case 20:  // ISDN, RFC 1183 §3.2: with a subaddress, perhaps
      w.character_string();
      if (w.left() > 0) w.character_string();
      break;
    case 22:
      write_nsap(w);
      break;
    case 26:  // PX, RFC 2163 §4
      w.number16();
      w.name_with_dot();
      w.name_with_dot();
      break;
    case 27:  // GPOS, RFC 1712 §3
      for (int i = 0; i < 3; ++i) w.character_string();
      break;
    case 29:
      write_loc(w);
      break;
    case 30:
      write_nxt(w);
      break;
    case 33:  // SRV
      w.number16();
      w.number16();
      w.number16();
      w.name();
      break;
    case 35:
      write_naptr(w);
      break;
    case 37:  // CERT, RFC 4398 §2.2
      w.number16();
      w.number16();
      w.number8();
      w.base64_rest();
      break;
    case 38:
      write_a6(w);
      break;
    case 42:
      write_apl(w);
      break;
    case 45:
      write_ipseckey(w);
      break;
    case 49:  // DHCID
    case 61:  // OPENPGPKEY
    case 67:  // HHIT, RFC 9886
    case 68:  // BRID
      w.base64_rest();
      break;
    case 55:
      write_hip(w);
      break;
    case 58:  // TALINK
      w.name_with_dot();
      w.name_with_dot();
      break;
    case 66:  // DSYNC, RFC 9859 §2.1
      w.type16();
      w.number8();
      w.number16();
      w.name();
      break;
    case 62:  // CSYNC, RFC 7477 §2.1.2
      w.number32();
      w.number16();
      w.type_bitmap();
      break;
    case 63:  // ZONEMD, RFC 8976 §2.3
      w.number32();
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 104:  // NID
    case 106:  // L64
      write_node_id(w);
      break;
    case 105:  // L32
      w.number16();
      w.address(4);
      break;
    case 107:  // LP
      w.number16();
      w.name_with_dot();
      break;
    case 108:
      write_eui(w, 6);
      break;
    case 109:
      write_eui(w, 8);
      break;
    case 260:
      write_amtrelay(w);
      break;
    case 43:     // DS
    case 59:     // CDS
    case 32768:  // TA
    case 32769:  // DLV
      w.number16();
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 44:  // SSHFP
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 24:
    case 46:
      write_rrsig(w);
      break;
    case 47:
      w.name();
      w.type_bitmap();
      break;
    case 25:
    case 48:
    case 57:  // RKEY
    case 60:
      w.number16();
      w.number8();
      w.number8();
      w.base64_rest();
      break;
    case 50:
      write_nsec3(w, false);
      break;
    case 51:
      write_nsec3(w, true);
      break;
    case 52:
    case 53:
      w.number8();
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 64:
    case 65:
      write_svcb(w);
      break;
    case 256:
      w.number16();
      w.number16();
      w.quoted(w.take(w.left()));
      break;
    case 257: {  // CAA, RFC 8659 §4.1.1
      w.number8();
      const Bytes tag = w.take(w.read(1));
      for (const std::uint8_t c : tag) {
        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) return false;
      }
      w.text(as_text(tag));
      w.quoted(w.take(w.left()));
      break;
    }
    default:
      return std::nullopt;
  }
  return w.complete();
}

}  // namespace

bool append_rdata(std::string& out, Bytes message, std::size_t offset, std::size_t length,
                  std::uint16_t type) {
  const std::size_t before = out.size();
  RdataWriter writer(out, message, offset, length);
  const std::optional<bool> written = write_known(writer, type);
  // Empty data is legal in updates (RFC 2136 §2.4) and has only the generic form.
  if (length > 0 && written.value_or(false)) return true;
  out.resize(before);
  out += "%5C#";  // RFC 3597 §5: \#, the backslash as pct-text
  out += "%20";
  out += std::to_string(length);
  if (length > 0) {
    out += "%20";
    append_hex(out, message.subspan(offset, length));
  }
  return length == 0 || !written;
}

}  // namespace dpi
