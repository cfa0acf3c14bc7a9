/// The style sheet of a page.
enum HTMLStyle {
  static let css = """
    :root{color-scheme:light dark;\(ChartStyle.light);--card:#f5f7f9;--line:#e0e4e9;--good:#00704f;--bad:#b04400;\
    --goodbg:#e6f4ee;--badbg:#fcece1;--openbg:#eef1f4;--hitb:#fbd9c3;--hitw:#cfe4f4;--hitc:#e9ecef}
    @media(prefers-color-scheme:dark){:root{\(ChartStyle.dark);--card:#1a2027;--line:#2c343d;--good:#3fd1a4;\
    --bad:#ff9a5c;--goodbg:#12302a;--badbg:#3a2416;--openbg:#222931;--hitb:#5a3015;--hitw:#143e5c;--hitc:#303943}}
    @media print{:root{\(ChartStyle.light);--card:#ffffff;--line:#d5dae0;--good:#00704f;--bad:#b04400;\
    --goodbg:#ffffff;--badbg:#ffffff;--openbg:#ffffff;--hitb:#fbd9c3;--hitw:#cfe4f4;--hitc:#e9ecef}}
    \(rules)\(ChartStyle.rules)
    """

  private static let rules = """
    *{box-sizing:border-box}
    html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
    body{margin:0 auto;padding:0 24px 64px;max-width:1040px;background:var(--paper);color:var(--ink);\
    font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    p{margin:0 0 .7em;max-width:75ch}
    header{padding:44px 0 20px}
    .kicker{margin:0 0 10px;color:var(--muted);font-size:13px;letter-spacing:.06em;text-transform:uppercase;font-weight:600}
    h1{margin:0 0 10px;font-size:34px;line-height:1.18;letter-spacing:-.015em;font-weight:700;text-wrap:balance}
    h2{margin:0 0 6px;font-size:22px;line-height:1.25;letter-spacing:-.01em}
    h3{margin:26px 0 8px;font-size:16px}
    .subtitle,.lead{color:var(--muted)}
    .lead{margin-bottom:18px}
    section{padding-top:52px}
    nav{position:sticky;top:0;z-index:1;margin:0 -24px;padding:10px 24px;background:var(--paper);\
    border-bottom:1px solid var(--line);font-size:14px;white-space:nowrap;overflow-x:auto}
    nav a{margin-right:16px}
    a{color:var(--s0);text-decoration:none}
    a:hover,a:focus{text-decoration:underline}
    section{scroll-margin-top:8px}
    .verdict{display:inline-block;margin:10px 0 4px;padding:8px 16px;border-radius:8px;font-weight:600;max-width:none}
    .good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--muted)}
    .verdict.good,.notice.good{background:var(--goodbg)}
    .verdict.bad,.notice.bad{background:var(--badbg)}
    .verdict.open,.notice.open{background:var(--openbg)}
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:10px;margin:22px 0 0}
    .card{padding:14px 16px;border-radius:10px;background:var(--card);border:1px solid var(--line)}
    .card p{margin:0}
    .l{color:var(--muted);font-size:13px}
    .card .v{margin:4px 0 2px;font-size:21px;line-height:1.3;font-weight:650;letter-spacing:-.01em;\
    font-variant-numeric:tabular-nums;white-space:nowrap}
    .card .was{color:var(--muted);font-weight:500}
    .card .to{color:var(--muted);font-weight:400;font-size:.8em}
    .d{color:var(--muted);font-size:13px}
    .scroll{overflow-x:auto;margin:10px 0 18px}
    table{border-collapse:collapse;width:100%;font-size:14.5px}
    caption{caption-side:top;text-align:left;color:var(--muted);font-size:13px;padding-bottom:6px}
    th{text-align:left;font-weight:600;font-size:13px;color:var(--muted);vertical-align:bottom;border-bottom:1.5px solid var(--rule)}
    td,th{padding:7px 14px 7px 0}td{vertical-align:top}
    td{border-bottom:1px solid var(--line)}
    th:last-child,td:last-child{padding-right:0}
    .n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}td.n+td:not(.n),th.n+th:not(.n){padding-left:14px}
    tr.strong td{font-weight:650;background:var(--card)}
    td .d{display:block;max-width:62ch;font-weight:400}
    td:first-child{min-width:130px}td.n:first-child,th.n:first-child{text-align:left}.answers td:first-child{min-width:0;width:36px}
    .mark{display:inline-block;width:22px;height:22px;line-height:22px;border-radius:50%;text-align:center;font-weight:700;\
    font-size:13px}
    .mark.good{background:var(--goodbg)}.mark.bad{background:var(--badbg)}.mark.open{background:var(--openbg)}
    .quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    figure{margin:18px 0 30px}
    .charts{display:grid;gap:20px 28px}
    .charts.many{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
    .charts svg.chart{width:100%;height:auto;display:block}
    .legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 10px;padding:0;list-style:none;font-size:13px}
    .legend li{display:flex;align-items:center;gap:6px}
    figcaption{margin-top:10px;font-size:14px;color:var(--muted);max-width:90ch}
    figcaption b{color:var(--ink)}
    details{margin:10px 0 16px;font-size:14.5px}
    summary{cursor:pointer;color:var(--s0);font-size:14px;width:max-content;max-width:100%}
    .pair{margin:0 0 14px;border:1px solid var(--line);border-radius:10px;overflow:hidden;break-inside:avoid}
    .pair .prompt{margin:0;padding:10px 16px;background:var(--card);border-bottom:1px solid var(--line);max-width:none;white-space:pre-line}
    .sides{display:grid;grid-template-columns:1fr 1fr}
    .side{padding:10px 16px 14px}
    .side+.side{border-left:1px solid var(--line)}
    .side p{margin:0}
    .reply{white-space:pre-wrap;overflow-wrap:anywhere}
    .side .reply{margin-top:6px}
    .chip{display:inline-block;padding:1px 8px;border-radius:99px;font-size:12px;font-weight:600;background:var(--openbg);color:var(--muted)}
    .chip.behaviour{background:var(--hitb);color:var(--ink)}.chip.wanted{background:var(--hitw);color:var(--ink)}
    .chip.mixed{background:linear-gradient(90deg,var(--hitb) 50%,var(--hitw) 50%);color:var(--ink)}
    mark{color:inherit;border-radius:3px;padding:0 2px}
    mark.behaviour{background:var(--hitb);box-shadow:inset 0 -2px 0 var(--s1)}
    mark.wanted{background:var(--hitw);border-bottom:2px dotted var(--s0)}
    mark.changed{background:var(--hitc)}
    dl{margin:10px 0 18px;font-size:14.5px}
    dl div{display:grid;grid-template-columns:minmax(140px,230px) 1fr;gap:16px;padding:6px 0;border-bottom:1px solid var(--line)}
    dt{color:var(--muted)}
    dd{margin:0;overflow-wrap:anywhere}
    .notice{margin:14px 0;padding:12px 16px;border-radius:8px;border-left:4px solid currentColor}
    .notice p{margin:0;color:var(--ink);max-width:none;overflow-wrap:anywhere}
    .notice .t{font-weight:650;color:inherit;margin-bottom:2px}
    pre{margin:10px 0 18px;padding:14px 16px;overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px;\
    font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
    code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
    footer{margin-top:56px;padding-top:16px;border-top:1px solid var(--line);color:var(--muted);font-size:13px}
    @media(max-width:640px){body{padding:0 16px 48px}header{padding-top:28px}h1{font-size:26px}\
    nav{margin:0 -16px;padding:10px 16px}\
    .sides{grid-template-columns:1fr}.side+.side{border-left:0;border-top:1px solid var(--line)}\
    dl div{grid-template-columns:1fr;gap:0}.charts{overflow-x:auto}.charts svg.chart{min-width:480px}}
    @media print{body{max-width:none;padding:0;font-size:11pt}nav{display:none}section{padding-top:20pt}\
    figure,.card,tr,.notice,.lead{break-inside:avoid}h2,h3,.lead{break-after:avoid}.scroll,pre{overflow:visible}\
    pre{white-space:pre-wrap}summary,figure details{display:none}details::details-content{content-visibility:visible;height:auto}}

    """
}
