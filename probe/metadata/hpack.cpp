#include "probe/metadata/hpack.h"

#include <nghttp2/nghttp2.h>

#include "probe/base/check.h"

namespace dpi {
namespace {

// A block may name entries of the dynamic table again and again; no honest one has so many fields.
constexpr int fields_max = 512;
// What the other side's SETTINGS allow (RFC 7541 §4.2) need not be seen here; browsers say 64 KiB.
constexpr std::size_t table_bytes_max = 64U << 10U;

}  // namespace

struct HpackDecoder::Impl {
  nghttp2_hd_inflater* inflater = nullptr;
  Impl() {
    DPI_CHECK(nghttp2_hd_inflate_new(&inflater) == 0 &&
              nghttp2_hd_inflate_change_table_size(inflater, table_bytes_max) == 0);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { nghttp2_hd_inflate_del(inflater); }
};

HpackDecoder::HpackDecoder() : impl_(std::make_unique<Impl>()) {}
HpackDecoder::~HpackDecoder() = default;

bool HpackDecoder::decode(Bytes block, const OnField& on_field) {
  for (int fields = 0; fields < fields_max;) {
    nghttp2_nv field{};
    int flags = 0;
    const auto used =
        nghttp2_hd_inflate_hd2(impl_->inflater, &field, &flags, block.data(), block.size(), 1);
    if (used < 0) return false;
    block = block.subspan(static_cast<std::size_t>(used));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      ++fields;
      on_field(as_text({field.name, field.namelen}), as_text({field.value, field.valuelen}));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(impl_->inflater);
      return block.empty();
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && block.empty()) return false;
  }
  return false;
}

std::size_t HpackDecoder::memory_bytes() const noexcept {
  // The ring of entries; an entry of one byte counts 33 there (RFC 7541 §4.1) and takes 200.
  constexpr std::size_t ring_bytes = 2048;
  constexpr std::size_t overhead = 6;
  return ring_bytes + overhead * nghttp2_hd_inflate_get_dynamic_table_size(impl_->inflater);
}

}  // namespace dpi
