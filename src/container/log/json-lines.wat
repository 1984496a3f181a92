;; Text to the inside of json-file entries: every newline becomes a separator that the caller gives, other bytes that JSON (as dockerd writes it) cannot
;; take as they are become escapes, all else is copied, 16 bytes at a time. UTF-8 is the caller's care. json-lines.ts holds the assembled module.
(module
  (memory (export "memory") 160)
  ;; Reads up to 16 bytes past $end and past the separator, and writes up to 16 bytes past the result. Returns where the result ends.
  (func (export "encode") (param $src i32) (param $end i32) (param $dst i32) (param $separator i32) (param $separatorBytes i32) (result i32)
    (local $bytes v128) (local $plain i32) (local $byte i32) (local $copied i32) (local $digit i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $src) (local.get $end)))
        (local.set $bytes (v128.load (local.get $src)))
        (v128.store (local.get $dst) (local.get $bytes))
        ;; How many bytes stand for themselves: those before the first control character, " or &, < or >, or backslash.
        (local.set $plain (i32.ctz (i32.or (i32.const 0x10000) (i8x16.bitmask
          (v128.or
            (v128.or
              (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))
            (v128.or
              (i8x16.eq (v128.and (local.get $bytes) (i8x16.splat (i32.const 0xfb))) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (v128.and (local.get $bytes) (i8x16.splat (i32.const 0xfd))) (i8x16.splat (i32.const 0x3c)))))))))
        (if (i32.gt_u (local.get $plain) (i32.sub (local.get $end) (local.get $src)))
          (then (local.set $plain (i32.sub (local.get $end) (local.get $src)))))
        (local.set $src (i32.add (local.get $src) (local.get $plain)))
        (local.set $dst (i32.add (local.get $dst) (local.get $plain)))
        (br_if $next (i32.eq (local.get $plain) (i32.const 16)))
        (br_if $done (i32.ge_u (local.get $src) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $src)))
        (local.set $src (i32.add (local.get $src) (i32.const 1)))
        ;; newline
        (if (i32.eq (local.get $byte) (i32.const 0x0a))
          (then
            (local.set $copied (i32.const 0))
            (loop $copy
              (v128.store (i32.add (local.get $dst) (local.get $copied)) (v128.load (i32.add (local.get $separator) (local.get $copied))))
              (local.set $copied (i32.add (local.get $copied) (i32.const 16)))
              (br_if $copy (i32.lt_u (local.get $copied) (local.get $separatorBytes))))
            (local.set $dst (i32.add (local.get $dst) (local.get $separatorBytes)))
            (br $next)))
        (i32.store8 (local.get $dst) (i32.const 0x5c))
        ;; " and backslash follow a backslash, carriage return is \r
        (if (i32.or (i32.eq (local.get $byte) (i32.const 0x0d)) (i32.or (i32.eq (local.get $byte) (i32.const 0x22)) (i32.eq (local.get $byte) (i32.const 0x5c))))
          (then
            (i32.store8 offset=1 (local.get $dst) (select (i32.const 0x72) (local.get $byte) (i32.eq (local.get $byte) (i32.const 0x0d))))
            (local.set $dst (i32.add (local.get $dst) (i32.const 2)))
            (br $next)))
        ;; \u00, then two hexadecimal digits
        (i32.store (local.get $dst) (i32.const 0x3030755c))
        (i32.store8 offset=4 (local.get $dst) (i32.add (i32.const 0x30) (i32.shr_u (local.get $byte) (i32.const 4))))
        (local.set $digit (i32.and (local.get $byte) (i32.const 15)))
        (i32.store8 offset=5 (local.get $dst) (i32.add (local.get $digit) (select (i32.const 0x57) (i32.const 0x30) (i32.gt_u (local.get $digit) (i32.const 9)))))
        (local.set $dst (i32.add (local.get $dst) (i32.const 6)))
        (br $next)))
    (local.get $dst)))
