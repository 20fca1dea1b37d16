//! scratch: rewrite <syntax> <cut> options... lines of hex on stdin
use pacs_core::dataset::*;
use std::io::BufRead;
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let mut form = Form::default();
    let mut it = a.iter();
    while let Some(w) = it.next() {
        match w.as_str() {
            "+te" => form.syntax = OutputSyntax::ExplicitLittle,
            "+tb" => form.syntax = OutputSyntax::ExplicitBig,
            "+ti" => form.syntax = OutputSyntax::ImplicitLittle,
            "+td" => form.syntax = OutputSyntax::Deflated,
            "-e" => form.lengths = LengthForm::Undefined,
            "+g" => form.group_lengths = GroupLengths::Create,
            "-g" => form.group_lengths = GroupLengths::Remove,
            "-u" => form.new_vrs = false,
            "+uc" => form.convert_un = true,
            "+p" => {
                form.padding = TrailingPadding {
                    file: it.next().unwrap().parse().unwrap(),
                    item: it.next().unwrap().parse().unwrap(),
                }
            }
            _ => {}
        }
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let p: Vec<&str> = line.split(' ').collect();
        let (ts, cut, before) = (p[0], p[1].parse::<usize>().unwrap(), p[2].parse::<usize>().unwrap());
        let d: Vec<u8> =
            (0..p[3].len() / 2).map(|i| u8::from_str_radix(&p[3][2 * i..2 * i + 2], 16).unwrap()).collect();
        let r = (|| -> Result<(Vec<u8>, bool), Error> {
            let mut rw = Rewriter::new(ts, &form, Context::new(ScratchMaker::in_memory()))?;
            let mut sink = vec![0u8; before];
            for c in d.chunks(cut) {
                rw.push(&[c], &mut sink)?;
            }
            let w = rw.finish(&mut sink)?;
            if w.needs_second_pass(before as u64) {
                let mut o = vec![0u8; before];
                let oc = w.second_pass(&sink, before as u64, &mut o)?;
                Ok((o[before..].to_vec(), oc.changed))
            } else {
                let oc = w.into_outcome();
                Ok((sink[before..].to_vec(), oc.changed))
            }
        })();
        match r {
            Ok((b, _)) => println!("ok {}", b.iter().map(|x| format!("{x:02x}")).collect::<String>()),
            Err(Error::Refused(r)) => println!("{:?} {r}", r.consequence()),
            Err(e) => println!("io {e}"),
        }
    }
}
