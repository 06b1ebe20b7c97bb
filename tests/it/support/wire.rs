//! HTTP/1.1 by hand, the little that the fake upstream and the test client share.
//!
//! Tests need what a library hides: half a head, wrong lengths, one chunk at a time, a connection that resets.

/// Header names in lower case with their values, in the order they came.
pub(crate) type Headers = Vec<(String, String)>;

/// The start line and the headers of a message.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) start_line: String,
    pub(crate) headers: Headers,
}

impl Head {
    /// Parses a head that is complete in `buffer`; the number is where the body begins.
    pub(crate) fn split(buffer: &[u8]) -> Option<(Self, usize)> {
        let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&buffer[..end]);
        let mut lines = text.split("\r\n");
        let start_line = lines.next()?.to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some((Self { start_line, headers }, end + 4))
    }
}

/// The value of a header, asked for in lower case.
pub(crate) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(usize),
    /// Chunks, the last one empty.
    Chunked,
    /// Until the connection ends.
    UntilClose,
}

/// What a chunked buffer begins with.
pub(crate) enum Chunk {
    /// More bytes are needed.
    Incomplete,
    /// This many bytes of the buffer are framing and data; the data is copied out.
    Data(Vec<u8>, usize),
    /// The last chunk, of this size in the buffer.
    Last(usize),
}

impl Chunk {
    /// Reads one chunk from the front of `buffer`. Trailers are not expected. Wrong framing panics: it is the finding.
    pub(crate) fn read(buffer: &[u8]) -> Self {
        let Some(line_end) = buffer.windows(2).position(|window| window == b"\r\n") else { return Self::Incomplete };
        let line = String::from_utf8_lossy(&buffer[..line_end]);
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).expect("a chunk begins with its size in hex");
        let end = line_end + 2 + size + 2;
        if buffer.len() < end {
            return Self::Incomplete;
        }
        if size == 0 { Self::Last(end) } else { Self::Data(buffer[line_end + 2..end - 2].to_vec(), end) }
    }
}
