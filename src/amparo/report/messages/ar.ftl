report-title = الاتجار بالأشخاص: الصورة الوطنية
report-title-published = الاتجار بالأشخاص: الصورة التي أبلغت عنها الدول
subtitle = { $lists ->
    [zero] ما تُظهره القوائم، من { $from } إلى { $to }
    [one] ما تُظهره قائمة جهة واحدة، من { $from } إلى { $to }
    [two] ما تُظهره قائمتا جهتين، من { $from } إلى { $to }
    [few] ما تُظهره قوائم { $lists } جهات، من { $from } إلى { $to }
   *[other] ما تُظهره قوائم { $lists } جهة، من { $from } إلى { $to }
}
subtitle-published = أعداد نشرها { $source }، من { $from } إلى { $to }
findings = خمس نتائج
finding-detected = تضم القوائم { $count } من سجلات الضحايا المكتشفين، من { $from } إلى { $to }. ولأن الشخص الواحد قد يرد في عدة قوائم، فهي تمثل ما بين { $low } و{ $high } من الأشخاص.
finding-detected-published = في عام { $year } أبلغت الدول عن عدد من الضحايا المكتشفين بين { $low } و{ $high }.
finding-trend-up = ازدادت حالات الاكتشاف بنسبة { $change } سنويا من { $from } إلى { $to } (فاصل 95 %: من { $low } إلى { $high }).
finding-trend-down = انخفضت حالات الاكتشاف بنسبة { $change } سنويا من { $from } إلى { $to } (فاصل 95 %: من { $low } إلى { $high }).
finding-trend-open = لا يمكن القول هل ازدادت حالات الاكتشاف أم انخفضت من { $from } إلى { $to }: { $change } سنويا (فاصل 95 %: من { $low } إلى { $high }).
finding-trend-none = لا يمكن تقدير اتجاه: السنوات المنشورة قليلة جدا.
finding-who = تمثل النساء والفتيات { $women } (من { $womenlow } إلى { $womenhigh }) من { $womenknown } ممن سُجل جنسهم؛ ويمثل الأطفال { $children } (من { $childrenlow } إلى { $childrenhigh }) من { $childrenknown } ممن سُجل عمرهم.
finding-form = أكثر الأشكال تكرارا هو { $form }: { $share } (من { $low } إلى { $high }) من { $known } ممن سُجل شكل استغلالهم.
finding-flow = من بين { $known } ممن سُجل ذلك عنهم، استُغل { $share } (من { $low } إلى { $high }) خارج بلد جنسيتهم؛ وأكبر تدفق عبر الحدود هو من { $origin } إلى { $destination }: { $count }.
finding-none = لا يمكن الجزم: الأعداد التي يستند إليها ذلك محجوبة أو لم يُبلَّغ عنها.
section-trend = كم عددهم
section-who = من هم
section-forms = أشكال الاستغلال
section-control = كيف جرت السيطرة عليهم وتجنيدهم واحتجازهم
section-flows = التدفقات
section-time = كم دام ذلك ومتى لوحظ
section-response = التعرف والمساعدة والعدالة
section-tables = جميع الجداول
section-methods = كيف أُعدت هذه الأعداد
figure-trend = الضحايا المكتشفون حسب السنة
figure-trend-alt = خط من { $count } أعداد سنوية من { $from } إلى { $to }، من { $first } إلى { $last }؛ والشريط هو فاصل 95 % للاتجاه.
figure-pyramid = العمر والجنس
figure-pyramid-alt = أعمدة حسب الفئة العمرية، النساء في جانب والرجال في الآخر؛ أطولها { $group } بعدد { $count }.
figure-forms = أشكال الاستغلال، نسبةً إلى من سُجل شكل استغلالهم
figure-control = وسائل السيطرة، نسبةً إلى من سُجلت وسائل السيطرة عليهم
figure-recruiter = العلاقة بمن قام بالتجنيد، نسبةً إلى من سُجلت علاقتهم به
figure-bars-alt = أعمدة مع فواصل 95 %؛ أطولها { $label } بنسبة { $share } (من { $low } إلى { $high }).
figure-map = من أين إلى أين
figure-map-alt = خريطة لعدد { $count } من التدفقات بين البلدان؛ أكبرها من { $origin } إلى { $destination }: { $persons }.
figure-sankey = المنشأ والمقصد حسب المنطقة
figure-sankey-alt = { $count } من المجاري من مناطق المنشأ إلى مناطق الاستغلال؛ أكبرها من { $origin } إلى { $destination }: { $persons }.
note-share = تُحسب النسب على من تتوافر معلومات عنهم فقط: { $known } من { $total }.
note-overlap = قد تجتمع عدة منها، ولذلك لا يبلغ مجموع النسب 100 %.
note-withheld = { $count ->
    [zero] لا يوجد تدفق أو خانة محجوبة.
    [one] { $shown } تدفق أو خانة محجوبة ولا تظهر في الرسم.
    [two] { $shown } من التدفقات أو الخانات محجوبتان ولا تظهران في الرسم.
    [few] { $shown } تدفقات أو خانات محجوبة ولا تظهر في الرسم.
    [many] { $shown } تدفقا أو خانة محجوبة ولا تظهر في الرسم.
   *[other] { $shown } من التدفقات أو الخانات محجوبة ولا تظهر في الرسم.
}
note-map = خطوط السواحل فقط؛ ولا تتخذ الخريطة موقفا من أي حدود.
see-table = الجدول: { $name }
see-method = المنهج
withheld = محجوب
withheld-legend = c: عدد محجوب حمايةً للأشخاص
not-recorded = غير مسجل
total = المجموع
unit-records = سجلات
unit-persons = أشخاص
method-heading = المنهج
rule-heading = ما حُجب
rule-text = تُحجب الأعداد من 1 إلى { $most }، وكذلك كل عدد يكشف أحدها من خلال مجموع؛ وتظهر الأصفار وأعداد ما لم يُسجَّل. وقبل النشر تحقق برنامج خطي، على جميع الجداول معا، من أنه لا يمكن استنتاج أي عدد محجوب.
rule-text-published = الأعداد هي التي نشرها المصدر. وحيث يعرض نطاقا مثل <5 يبقى النطاق كما هو وتكون المجاميع نطاقات أيضا؛ ولم يُختلق شيء.
rule-heading-blurred = كيف حُميت الأعداد
rule-text-none = لا يُحجب أي عدد لكونه صغيرا.
rule-text-dominance = وتُحجب أيضا الأعداد التي تقدم فيها القوائم الأكثر مساهمة (عدد القوائم: { $lists }) أكثر من { $share } من المجموع، وكذلك الأعداد الأخرى التي تحميها.
rule-text-contributors = وتُحجب أيضا الأعداد التي تستطيع قائمة أن تستنتج منها ما قدمته قائمة أخرى بخطأ لا يتجاوز { $share }.
rule-text-rounding = الأعداد من مضاعفات { $base } وما زالت تُجمع؛ ويمثل كل منها جميع الأعداد في نطاقه. وقد حُدد بالقرعة أي المضاعفين الأقرب يظهر.
rule-text-rounding-far = الأعداد من مضاعفات { $base } وما زالت تُجمع. ولا يوجد تقريب لهذه الجداول إلى أقرب المضاعفات يبقى قابلا للجمع: فبعض الأعداد يبعد عما يظهر بما لا يتجاوز { $far }، ويمثل كل منها جميع الأعداد في نطاقه.
rule-text-noise = أضيف إلى كل عدد أكبر من صفر تشويش لا يتجاوز { $most } زيادة أو نقصا (متوسطه صفر وتباينه { $variance })، وهو نفسه دائما للسجلات نفسها. ويحتوي كل نطاق على العدد الحقيقي؛ وللمجاميع تشويش خاص بها، فقد لا تُجمع النطاقات.
method-share = ترافق النسب فواصل ويلسون بمستوى 95 % (Wilson 1927)؛ والاتجاهات لوغاريتمية خطية شبه بواسونية مع فواصل t بمستوى 95 % (McCullagh وNelder 1989). ويُحسب كل عدد من الجداول أدناه بحيث يمكن لأي شخص أن يعيد حسابه.
method-records = السجل هو ما تعرفه جهة واحدة عن شخص واحد. والقوائم غير مربوطة: الشخص الوارد في قائمتين سجلان.
provenance = مصدر البيانات
data-here = الجداول نفسها كبيانات مفتوحة: { $file }
skip = انتقل إلى النتائج
column-lower = على الأقل
column-upper = على الأكثر
column-count = العدد
dim-origin = بلد المنشأ
dim-origin_subregion = منطقة المنشأ
dim-destination_subregion = منطقة الاستغلال
dim-cross_border = داخلي أو عابر للحدود
dim-time_to_identification = المدة حتى التعرف
dim-list = القائمة
dim-stage = المرحلة
dim-region = المنطقة
dim-subregion = المنطقة الفرعية
code-domestic = داخلي
code-cross_border = عابر للحدود
code-0-3 = من 0 إلى 3 أشهر
code-4-12 = من 4 إلى 12 شهرا
code-13-24 = من 13 إلى 24 شهرا
code-25-plus = أكثر من سنتين
code-abroad = بلدان أخرى
code-nationals = المواطنون
note-reporting = يتغير عدد الدول المبلِّغة من سنة إلى أخرى: فزيادة الضحايا المبلَّغ عنهم لا تعني بالضرورة زيادة الاتجار.
other-or-not-recorded = أخرى أو غير مسجلة
section-unseen = كم عدد من لم يُكتشفوا قط
prevalence-text = يُقدَّر عدد الضحايا بنحو { $estimate } (فاصل 95 %: من { $low } إلى { $high }). رصدت القوائم { $observed } منهم؛ أما { $dark } (من { $darklow } إلى { $darkhigh }) فلم يُكتشفوا قط.
prevalence-rests = يستند التقدير إلى { $method } (العتبة { $threshold })؛ والنموذج: { $model }. والفاصل هو فاصل BCa بإعادة المعاينة مع إعادة اختيار النموذج في كل مرة.
prevalence-sensitivity = في { $count } من التحليلات الأخرى (حذف قوائم أو دمجها، إدخال آثار أو استبعادها، عتبات وطرق أخرى) يتراوح التقدير بين { $low } و{ $high }؛ ويعطي نصفها ما بين { $quarter } و{ $three }.
prevalence-limit = إذا كان بعض الأشخاص أصعب رؤيةً من غيرهم في جميع القوائم فالعدد الحقيقي أكبر: عندئذ يُقرأ التقدير بوصفه حدا أدنى.
figure-multiverse = العدد نفسه في ظل خيارات أخرى
figure-multiverse-alt = { $count } من التحليلات مرتبة حسب تقديرها، ولكل منها فاصله، من { $low } إلى { $high }؛ والخط المتقطع هو العدد المرصود { $observed }.
choice-threshold = العتبة
choice-list-left-out = قائمة محذوفة
choice-lists-merged = قوائم مدمجة
choice-effect-between-lists = أثر بين القوائم
choice-method = الطريقة
model-independent = القوائم مستقلة
model-effects = آثار بين القوائم: { $pairs }
prevalence-method = التقدير المتعدد الأنظمة اللوغاريتمي الخطي المتدرج (Chan وSilverman وVincent 2021)
unit-offences = جرائم
finding-trend-undated = { $count ->
    [zero] لم يُستبعد أي سجل بلا سنة.
    [one] استُبعد سجل واحد بلا سنة.
    [two] استُبعد سجلان بلا سنة.
    [few] استُبعدت { $shown } سجلات بلا سنة.
    [many] استُبعد { $shown } سجلا بلا سنة.
   *[other] استُبعد { $shown } من السجلات التي بلا سنة.
}
finding-trend-states = وقد تغير عدد الدول المبلِّغة في هذه السنوات من { $first } إلى { $last }: فزيادة حالات الاكتشاف لا تعني بالضرورة زيادة الاتجار.
finding-form-missing = ولم يُسجَّل أي شكل في { $missing } من الحالات.
provenance-version = إصدار Amparo
provenance-created = تاريخ الإعداد
provenance-sha256 = بصمة SHA-256 للملف { $file }
column-status = حالة العدد
column-lower-text = أصغر قيمة ممكنة للعدد؛ فارغة حيث يُحجب.
column-upper-text = أكبر قيمة ممكنة للعدد؛ فارغة حيث يُحجب.
column-status-text = exact: الحدان هما العدد نفسه؛ interval: العدد بينهما؛ withheld: لا يُنشر.
method-detected = سجلات الضحايا المكتشفين؛ ويُستبعد من تبين أنهم ليسوا ضحايا.
method-reported = مجاميع ما أبلغت عنه الدول؛ والدولة التي لم تبلغ لا تضيف شيئا.
method-justice = سجلات الجناة حسب سنة أبعد مرحلة بلغوها؛ ويُحسب كل منهم فيها وفي ما قبلها.
method-several = قد تجتمع عدة فئات، ولذلك لا يساوي جمعها المجموع.
method-other = أخرى وغير مسجل فئة واحدة، لقلة كل منهما.
method-origin = المنشأ هو بلد التجنيد، وإلا فبلد الجنسية؛ والمقصد هو بلد الاستغلال.
method-origin-reported = المنشأ هو بلد الجنسية؛ والمقصد هو البلد المبلِّغ.
method-subregion = المناطق الفرعية هي مناطق الأمم المتحدة M49؛ ومن له بلدان في منطقة واحدة يُحسب فيها مرة واحدة.
method-cross_border = داخلي: استُغل داخل بلد جنسيته فقط؛ عابر للحدود: خارجه أيضا أو خارجه فقط.
method-duration_band = الأشهر من بداية الاستغلال إلى نهايته.
method-time_to_identification = الأشهر من نهاية الاستغلال (أو بدايته إذا لم تُسجل نهاية) إلى التعرف، حيث يُعرف التاريخان بالشهر؛ ومن جرى التعرف عليه أثناءه يُحسب في 0 إلى 3.
method-all-years = جميع السنوات معا.
method-offences = وقائع الاتجار التي فيها متهم واحد على الأقل، وتُحسب كل منها مرة واحدة في أول سنة لأي مرحلة.
